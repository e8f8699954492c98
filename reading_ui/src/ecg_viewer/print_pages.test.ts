import { describe, expect, it } from 'vitest';

import type { SheetRequest } from './geometry';
import { LAYOUTS } from './layouts';
import { GRID_BOX, gridPath, printPages, pulsePath, segmentPath } from './print_pages';
import { widthOf, wrap } from './print_words';
import { fitScale } from './use_fit';

const TWELVE = ['I', 'II', 'III', 'aVR', 'aVL', 'aVF', 'V1', 'V2', 'V3', 'V4', 'V5', 'V6'];
const usual: SheetRequest = { leadNames: TWELVE, layout: '3x4+1', paper: { mmPerS: 25, mmPerMv: 10 }, startS: 0, durationS: 10 };

describe('printed pages', () => {
  it('hold ten seconds at 25 mm/s on one, at 50 on two, at 100 on four', () => {
    expect([12.5, 25, 50, 100].map((mmPerS) => printPages({ ...usual, paper: { mmPerS, mmPerMv: 10 } }).length)).toEqual([1, 1, 2, 4]);
    expect(printPages({ ...usual, durationS: 11 })).toHaveLength(1);
  });

  it('never let a trace leave the squared paper, and leave out no second of it', () => {
    for (const layout of LAYOUTS) {
      for (const mmPerS of [12.5, 25, 50, 100]) {
        const pages = printPages({ ...usual, layout, paper: { mmPerS, mmPerMv: 10 } });
        const segments = pages.flatMap((page) => page.segments);
        for (const segment of segments) {
          expect(segment.xMm + segment.durationS * mmPerS).toBeLessThanOrEqual(GRID_BOX.widthMm + 1e-6);
          expect(segment.baselineMm).toBeGreaterThan(0);
          expect(segment.baselineMm).toBeLessThan(GRID_BOX.heightMm);
        }
        const v1S = segments.filter((segment) => segment.name === 'V1' && !segment.isRhythm).reduce((sum, segment) => sum + segment.durationS, 0);
        if (layout !== 'strip') expect(v1S).toBeCloseTo(layout.startsWith('3x4') ? 2.5 : layout.startsWith('6x2') ? 5 : 10, 9);
      }
    }
  });

  it('go on over more pages where there are too many rows', () => {
    const leadNames = [...TWELVE, 'V7', 'V8', 'V9', 'V3R', 'V4R', 'V5R'];
    const pages = printPages({ ...usual, leadNames, layout: '12x1' });
    expect(pages.map((page) => page.segments.length)).toEqual([9, 9]);
  });
});

describe('printed paths', () => {
  const [page] = printPages(usual);
  if (page === undefined) throw new Error('no page');
  const numbers = (path: string) => [...path.matchAll(/-?[\d.]+ -?[\d.]+/g)].map(([pair]) => pair.split(' ').map(Number) as [number, number]);

  it('have a pulse of 10 by 5 mm', () => {
    const [pulse] = page.pulses;
    if (pulse === undefined) throw new Error('no pulse');
    const points = numbers(pulsePath(pulse));
    const heights = points.map(([, y]) => y);
    expect(Math.max(...heights) - Math.min(...heights)).toBeCloseTo(10, 9);
    expect((points[3]?.[0] ?? 0) - (points[2]?.[0] ?? 0)).toBeCloseTo(5, 9);
  });

  it('keep a peak of one sample to a hundredth of a millimetre', () => {
    const samples = new Int32Array(10_000);
    samples[4321] = 1_234_000;
    const rhythm = page.segments.at(-1);
    if (rhythm === undefined) throw new Error('no rhythm');
    const leads = TWELVE.map((name) => ({ name, samples, startUs: 0 }));
    const points = numbers(segmentPath(rhythm, page, { leads, intervalUs: 1000, shiftsMv: [] }));
    const [x, y] = points.reduce((best, point) => (point[1] < best[1] ? point : best));
    expect(rhythm.baselineMm - y).toBeCloseTo(12.34, 9);
    expect(x - page.tracesLeftMm).toBeCloseTo(4.321 * 25, 1);
  });

  it('have a line each millimetre, the heavy ones each five', () => {
    expect(gridPath(10, 10, 5)).toBe('M0 0V10M5 0V10M10 0V10M0 0H10M0 5H10M0 10H10');
    expect(gridPath(10, 10, 1).match(/M/g)).toHaveLength(16);
  });
});

describe('printed words', () => {
  it('fill lines and break between parts only', () => {
    const lines = wrap(['aaaaa', '', 'bbbbb', 'ccccc'], 10, 1);
    expect(lines).toEqual(['aaaaa  ·  bbbbb'.length * 0.6 <= 10 ? 'aaaaa  ·  bbbbb' : 'aaaaa', 'ccccc']);
    expect(wrap(['x'.repeat(100)], 10, 1)[0]?.endsWith('…')).toBe(true);
    expect(widthOf('心电', 3)).toBe(6);
  });
});

describe('the size that fits', () => {
  const sheet = { widthMm: 265, heightMm: 145 };
  it('is true size where there is room, never more', () => {
    expect(fitScale({ width: 2000, height: 1200 }, sheet, 96 / 25.4)).toBe(1);
    expect(fitScale({ width: 1280, height: 700 }, sheet, 96 / 25.4)).toBe(1);
    expect(fitScale({ width: 853, height: 450 }, sheet, 96 / 25.4)).toBeCloseTo(0.803, 2);
  });
});
