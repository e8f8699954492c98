import { describe, expect, it } from 'vitest';

import { bestLayout, layOut, LAYOUTS, pageS, timeAt, xOf, yOf } from './geometry';

const TWELVE = ['I', 'II', 'III', 'aVR', 'aVL', 'aVF', 'V1', 'V2', 'V3', 'V4', 'V5', 'V6'];
const usual = { leadNames: TWELVE, layout: '3x4' as const, paper: { mmPerS: 25, mmPerMv: 10 }, startS: 0, durationS: 10 };

describe('the sheet is true to scale', () => {
  it('draws one second as 25.0 mm and one millivolt as 10.0 mm', () => {
    const sheet = layOut(usual);
    expect(xOf(sheet, 3) - xOf(sheet, 2)).toBeCloseTo(25, 10);
    const segment = sheet.segments[0];
    if (segment === undefined) throw new Error('no segment');
    expect(yOf(segment, sheet.paper, 0) - yOf(segment, sheet.paper, 1)).toBeCloseTo(10, 10);
  });

  it.each([[25, 5], [25, 10], [25, 20], [50, 5], [50, 10], [50, 20]])('keeps both scales at %d mm/s and %d mm/mV', (mmPerS, mmPerMv) => {
    for (const layout of LAYOUTS) {
      const sheet = layOut({ ...usual, layout, paper: { mmPerS, mmPerMv } });
      expect(xOf(sheet, 10) - xOf(sheet, 0)).toBeCloseTo(10 * mmPerS, 10);
      for (const segment of sheet.segments) {
        expect(yOf(segment, sheet.paper, -0.5) - yOf(segment, sheet.paper, 0.5)).toBeCloseTo(mmPerMv, 10);
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

  it('shows 6×2 and 12×1', () => {
    const six = layOut({ ...usual, layout: '6x2' });
    expect(six.segments.map((s) => s.name).filter((_, i) => i % 2 === 0)).toEqual(['I', 'II', 'III', 'aVR', 'aVL', 'aVF']);
    const twelve = layOut({ ...usual, layout: '12x1' });
    expect(twelve.segments.map((s) => s.name)).toEqual(TWELVE);
    expect(twelve.segments.every((s) => s.durationS === 10)).toBe(true);
  });

  it('leaves the place of a lead that the record lacks empty, and names what it does not show', () => {
    const sheet = layOut({ ...usual, leadNames: ['I', 'II', 'VX'] });
    expect(sheet.segments.map((s) => s.name)).toEqual(['I', 'II', 'II']);
    expect(sheet.hidden).toEqual(['VX']);
  });

  it('never lets two rows share a place', () => {
    for (const layout of LAYOUTS) {
      const sheet = layOut({ ...usual, layout });
      const rows = [...new Set(sheet.pulses.map((p) => p.baselineMm))];
      expect(rows).toHaveLength(sheet.pulses.length);
      expect(Math.max(...rows)).toBeLessThan(sheet.heightMm);
    }
  });

  it('chooses what shows most of a record', () => {
    expect(bestLayout(TWELVE)).toBe('3x4');
    expect(bestLayout(['MLII', 'V5'])).toBe('12x1');
    expect([pageS(10), pageS(11), pageS(1805), pageS(0.03)]).toEqual([10, 11, 10, 1]);
  });

  it('keeps every position of the usual sheets as they were', async () => {
    const all = LAYOUTS.flatMap((layout) => [25, 50].map((mmPerS) => layOut({ ...usual, layout, paper: { mmPerS, mmPerMv: 10 } })));
    const positions = JSON.stringify(all, (_, value: unknown) => (typeof value === 'number' ? Number(value.toFixed(6)) : value));
    const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(positions));
    expect([...new Uint8Array(hash)].map((byte) => byte.toString(16).padStart(2, '0')).join('')).toMatchInlineSnapshot(`"baa755093ae5cc5e090fe413e6970741b3292e9ff1be55e9b646f87729ae7ad6"`);
  });
});
