import { describe, expect, it } from 'vitest';

import { confirmedAt, inserted, nextPlaceholder, piecesOf, placeholdersIn, unconfirmedIn } from './placeholders';

const text = '心胸比约【0.】。与【日期】片比较:【】。';

describe('placeholders that must be filled or removed (F7)', () => {
  it('are found with their brackets, empty ones too', () => {
    expect(placeholdersIn(text).map(({ start, end }) => text.slice(start, end))).toEqual(['【0.】', '【日期】', '【】']);
  });

  it('include a bracket that is never closed, as the gateway does', () => {
    expect(placeholdersIn('位置【左')).toHaveLength(1);
  });

  it('come one after the other from the caret, and begin anew after the last', () => {
    const [first, second] = placeholdersIn(text);
    expect(nextPlaceholder(text, 0)).toEqual(first);
    expect(nextPlaceholder(text, first?.end ?? 0)).toEqual(second);
    expect(nextPlaceholder(text, text.length)).toEqual(first);
    expect(nextPlaceholder('没有', 0)).toBeNull();
  });

  it('cut the text into pieces that join to the same text', () => {
    const pieces = piecesOf(text);
    expect(pieces.map((piece) => piece.text).join('')).toBe(text);
    expect(pieces.filter((piece) => piece.isPlaceholder)).toHaveLength(3);
    expect(piecesOf('')).toEqual([]);
  });
});

describe('a measurement put into the text', () => {
  it('replaces the selection and leaves the caret behind it', () => {
    expect(inserted('长【】mm', '82.2', 1, 3)).toEqual({ text: '长82.2mm', caret: 5 });
  });
});

describe('a number that the gateway measured (K2)', () => {
  const technique = '心率【72 次/分（网关测量,未经医师确认）】 P波【】ms QT【400 ms（网关测量,未经医师确认）】';

  it('waits for a person apart from the other placeholders', () => {
    expect(unconfirmedIn(technique).map(({ start, end }) => technique.slice(start, end))).toEqual([
      '【72 次/分（网关测量,未经医师确认）】',
      '【400 ms（网关测量,未经医师确认）】',
    ]);
  });

  it('is confirmed one at a time, where the selection stands', () => {
    const [first] = unconfirmedIn(technique);
    const result = confirmedAt(technique, first?.start ?? 0, first?.end ?? 0);
    expect(result?.text).toBe('心率 72 次/分（网关测量，医师已核对） P波【】ms QT【400 ms（网关测量,未经医师确认）】');
    expect(result?.text.slice(0, result.caret)).toBe('心率 72 次/分（网关测量，医师已核对）');
  });

  it('is not confirmed from elsewhere', () => {
    expect(confirmedAt(technique, 0, 0)).toBeNull();
    const [, open] = placeholdersIn(technique);
    expect(confirmedAt(technique, open?.start ?? 0, open?.end ?? 0)).toBeNull();
  });
});
