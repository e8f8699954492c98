import { describe, expect, it } from 'vitest';

import { inserted, nextPlaceholder, piecesOf, placeholdersIn } from './placeholders';

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
