import { describe, expect, it } from 'vitest';

import { cutSheet, GAINS_MM_PER_MV, labelOf, layOut, segmentAt, SPEEDS_MM_PER_S, timeAt, xOf, yOf } from './geometry';
import { LAYOUTS } from './layouts';

const TWELVE = ['I', 'II', 'III', 'aVR', 'aVL', 'aVF', 'V1', 'V2', 'V3', 'V4', 'V5', 'V6'];
const usual = { leadNames: TWELVE, layout: '3x4+1' as const, paper: { mmPerS: 25, mmPerMv: 10 }, startS: 0, durationS: 10 };

describe('the sheet is true to scale', () => {
  it('draws one second as 25.0 mm and one millivolt as 10.0 mm', () => {
    const sheet = layOut(usual);
    expect(xOf(sheet, 3) - xOf(sheet, 2)).toBeCloseTo(25, 10);
    const segment = sheet.segments[0];
    if (segment === undefined) throw new Error('no segment');
    expect(yOf(segment, 0) - yOf(segment, 1)).toBeCloseTo(10, 10);
  });

  it.each(SPEEDS_MM_PER_S.flatMap((speed) => GAINS_MM_PER_MV.map((gain) => [speed, gain] as const)))('keeps both scales at %d mm/s and %d mm/mV', (mmPerS, mmPerMv) => {
    for (const layout of LAYOUTS) {
      const sheet = layOut({ ...usual, layout, paper: { mmPerS, mmPerMv } });
      expect(xOf(sheet, 10) - xOf(sheet, 0)).toBeCloseTo(10 * mmPerS, 10);
      for (const segment of sheet.segments) {
        expect(yOf(segment, -0.5) - yOf(segment, 0.5)).toBeCloseTo(mmPerMv, 10);
        expect(segment.xMm).toBeCloseTo(xOf(sheet, segment.startS), 10);
      }
      for (const pulse of sheet.pulses) {
        expect(pulse.heightMm).toBeCloseTo(mmPerMv, 10);
        expect(pulse.widthMm).toBeCloseTo(0.2 * mmPerS, 10);
        expect(pulse.xMm + pulse.widthMm).toBeLessThan(sheet.tracesLeftMm);
      }
    }
  });

  it('finds the time of a place and the place of a time', () => {
    const sheet = layOut({ ...usual, startS: 20 });
    expect(timeAt(sheet, xOf(sheet, 23.456))).toBeCloseTo(23.456, 10);
  });

  it('puts every baseline and the beginning of the traces on a heavy line', () => {
    for (const layout of LAYOUTS) {
      for (const mmPerMv of [5, 10, 20]) {
        const sheet = layOut({ ...usual, layout, paper: { mmPerS: 25, mmPerMv } });
        expect([sheet.tracesLeftMm, ...sheet.segments.map((s) => s.baselineMm)].every((mm) => mm % 5 === 0)).toBe(true);
      }
    }
  });
});

describe('layouts', () => {
  it('shows 3×4 as four columns in time order with lead II below', () => {
    const { segments } = layOut(usual);
    expect(segments.map((s) => s.name)).toEqual(['I', 'aVR', 'V1', 'V4', 'II', 'aVL', 'V2', 'V5', 'III', 'aVF', 'V3', 'V6', 'II']);
    expect(segments.slice(0, 4).map((s) => s.startS)).toEqual([0, 2.5, 5, 7.5]);
    expect(segments[12]).toMatchObject({ isRhythm: true, startS: 0, durationS: 10 });
  });

  it('leaves the place of a lead that the record lacks empty, and names what it does not show', () => {
    const sheet = layOut({ ...usual, leadNames: ['I', 'II', ...'abcdefg'] });
    expect(sheet.segments.map((s) => s.name)).toEqual(['I', 'a', 'd', 'II', 'b', 'e', 'c', 'f', 'II']);
    expect(sheet.hidden).toEqual(['g']);
  });

  it('never lets two rows share a place', () => {
    for (const layout of LAYOUTS) {
      const sheet = layOut({ ...usual, layout });
      const rows = [...new Set(sheet.pulses.map((p) => p.baselineMm))];
      expect(rows).toHaveLength(sheet.pulses.length);
      expect(Math.max(...rows)).toBeLessThan(sheet.heightMm);
    }
  });

  it('keeps every position of the usual sheets as they were', async () => {
    const all = LAYOUTS.flatMap((layout) => SPEEDS_MM_PER_S.map((mmPerS) => layOut({ ...usual, layout, paper: { mmPerS, mmPerMv: 10 } })));
    const positions = JSON.stringify(all, (_, value: unknown) => (typeof value === 'number' ? Number(value.toFixed(6)) : value));
    const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(positions));
    expect([...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, '0')).join('')).toMatchInlineSnapshot(`"63cae64c7a431b919cccb62f29cc38748b61575a8c46fde73844df11462e2b12"`);
  });
});

describe('chest leads at half gain', () => {
  const sheet = layOut({ ...usual, paper: { mmPerS: 25, mmPerMv: 10, isChestHalved: true } });

  it('are 5 mm for a millivolt, and say so', () => {
    for (const segment of sheet.segments) {
      const isChest = segment.name.startsWith('V');
      expect(yOf(segment, 0) - yOf(segment, 1)).toBeCloseTo(isChest ? 5 : 10, 10);
      expect(labelOf(segment, sheet).endsWith('×½')).toBe(isChest);
    }
  });

  it('have their own step in the pulse', () => {
    expect(sheet.pulses.map(({ heightMm, endHeightMm }) => [heightMm, endHeightMm])).toEqual([[10, 5], [10, 5], [10, 5], [10, 10]]);
  });
});

describe('pieces of a sheet', () => {
  it('show the same times at the same scale as the whole', () => {
    const sheet = layOut({ ...usual, paper: { mmPerS: 50, mmPerMv: 10 } });
    const [first, second] = [cutSheet(sheet, 0, 5), cutSheet(sheet, 5, 10)];
    expect(first.segments.map((s) => s.name)).toEqual(['I', 'aVR', 'II', 'aVL', 'III', 'aVF', 'II']);
    expect(second.segments.map((s) => s.name)).toEqual(['V1', 'V4', 'V2', 'V5', 'V3', 'V6', 'II']);
    for (const piece of [first, second]) {
      for (const segment of piece.segments) {
        expect(xOf(piece, segment.startS)).toBeCloseTo(segment.xMm, 9);
        expect(segment.xMm + segment.durationS * 50).toBeLessThanOrEqual(piece.tracesLeftMm + 250 + 1e-9);
      }
    }
    expect(second.segments.at(-1)).toMatchObject({ startS: 5, durationS: 5, xMm: second.tracesLeftMm });
  });

  it('cut within a segment, the rest begins at its own time', () => {
    const piece = cutSheet(layOut(usual), 1, 3);
    expect(piece.segments.filter((s) => s.baselineMm === piece.segments[0]?.baselineMm).map((s) => [s.name, s.startS, s.durationS]))
      .toEqual([['I', 1, 1.5], ['aVR', 2.5, 0.5]]);
  });
});

describe('a strip', () => {
  it('goes on in the next row where the one above ends', () => {
    const { segments } = layOut({ ...usual, layout: 'strip', startS: 20, stripRows: 3 });
    expect(segments.map((s) => [s.name, s.startS, s.durationS])).toEqual([['II', 20, 10], ['II', 30, 10], ['II', 40, 10]]);
  });
});

describe('a place on the sheet', () => {
  it('belongs to the lead of its column that is nearest', () => {
    const sheet = layOut(usual);
    expect(segmentAt(sheet, xOf(sheet, 6), 31)?.name).toBe('V1');
    expect(segmentAt(sheet, xOf(sheet, 6), 70)?.name).toBe('V2');
    expect(segmentAt(sheet, xOf(sheet, 6), 500)?.isRhythm).toBe(true);
  });
});

describe('rows that need too much room', () => {
  it('are pressed together, at the same scale', () => {
    const sheet = layOut({ ...usual, layout: '12x1', maxRowsMm: 156, topMm: 0, bottomMm: 0 });
    expect(sheet.heightMm).toBeLessThanOrEqual(156);
    expect(new Set(sheet.segments.map((s) => s.baselineMm)).size).toBe(12);
    expect(sheet.segments.every((s) => s.mmPerMv === 10)).toBe(true);
  });
});
