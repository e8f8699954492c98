import { describe, expect, it } from 'vitest';

import { layOut, type Segment } from './geometry';
import { baselineShiftMv, envelope, type LeadSamples, MISSING_NV, splitSamples, tracePoints } from './trace';

const paper = { mmPerS: 25, mmPerMv: 10 };
const [segment] = layOut({ leadNames: ['II'], layout: '12x1', paper, startS: 0, durationS: 10 }).segments as [Segment];
const lead = (samples: Int32Array | number[], startUs = 0): LeadSamples => ({ name: 'II', samples: Int32Array.from(samples), startUs });

function pairs(points: Float64Array): [number, number][] {
  return Array.from({ length: points.length / 2 }, (_, i) => [points[i * 2] ?? 0, points[i * 2 + 1] ?? 0]);
}

describe('a trace', () => {
  it('rises by 10.0 mm for a step of 1 mV and goes 25.0 mm in one second', () => {
    const samples = new Int32Array(1001).map((_, i) => (i >= 500 ? 1_000_000 : 0));
    const points = pairs(tracePoints(lead(samples), segment, paper, 2000, 0));
    expect(points).toHaveLength(1001);
    expect((points[0]?.[1] ?? 0) - (points[1000]?.[1] ?? 0)).toBeCloseTo(10, 9);
    expect((points[500]?.[0] ?? 0) - (points[0]?.[0] ?? 0)).toBeCloseTo(25, 9);
  });

  it('keeps the exact interval of 1667 µs', () => {
    const points = pairs(tracePoints(lead(new Int32Array(601)), segment, paper, 1667, 0));
    expect((points[600]?.[0] ?? 0) - segment.xMm).toBeCloseTo(600 * 0.001667 * 25, 9);
  });

  it('never loses a peak of a single sample when it is thinned', () => {
    for (let at = 1; at < 4999; at += 37) {
      const samples = new Int32Array(5000);
      samples[at] = at % 2 === 0 ? 1_500_000 : -1_500_000;
      const points = pairs(tracePoints(lead(samples), segment, paper, 2000, 1 / 3.78));
      const peak = points.find(([, y]) => Math.abs(y - segment.baselineMm) > 1);
      expect(peak?.[0]).toBeCloseTo(segment.xMm + at * 0.05, 9);
      expect(Math.abs((peak?.[1] ?? 0) - segment.baselineMm)).toBeCloseTo(15, 9);
    }
  });

  it('is thinned to at most four points a column, in the order of time', () => {
    const samples = new Int32Array(10_000).map((_, i) => ((i * 7919) % 4001) * 500);
    const points = pairs(tracePoints(lead(samples), segment, paper, 1000, 0.264));
    expect(points.length).toBeLessThanOrEqual(Math.ceil(250 / 0.264 + 1) * 4);
    expect(points.every(([x], i) => i === 0 || x > (points[i - 1]?.[0] ?? 0))).toBe(true);
  });

  it.each([0, 0.264])('has a gap where the file has no value (columns of %d mm)', (columnMm) => {
    const samples = new Int32Array(2000).fill(100_000);
    samples.fill(MISSING_NV, 700, 900);
    samples[1500] = MISSING_NV;
    const points = pairs(tracePoints(lead(samples), segment, paper, 1000, columnMm));
    expect(points.filter(([x]) => Number.isNaN(x))).toHaveLength(2);
    const at = (index: number) => segment.xMm + index * 0.025;
    expect(points.some(([x]) => x > at(699) + 1e-9 && x < at(900) - 1e-9)).toBe(false);
    expect(points.every(([, y]) => Number.isNaN(y) || Math.abs(y - (segment.baselineMm - 1)) < 1e-9)).toBe(true);
  });

  it('begins where the lead begins', () => {
    const points = pairs(tracePoints(lead([0, 0, 0], 1_000_000), segment, paper, 2000, 0));
    expect(points[0]?.[0]).toBeCloseTo(segment.xMm + 25, 9);
  });

  it('shows only the page that is asked for', () => {
    const page = { ...segment, startS: 4, durationS: 2 };
    const points = pairs(tracePoints(lead(new Int32Array(5000)), page, paper, 2000, 0));
    expect(points[0]?.[0]).toBeCloseTo(segment.xMm, 9);
    expect(points.at(-1)?.[0]).toBeCloseTo(segment.xMm + 50, 9);
  });
});

describe('a lead upside down', () => {
  it('mirrors the trace about its zero line', () => {
    const samples = [0, 1_000_000, -500_000];
    const down = pairs(tracePoints(lead(samples), { ...segment, polarity: -1 }, paper, 2000, 0));
    const up = pairs(tracePoints(lead(samples), segment, paper, 2000, 0));
    expect(down.map(([, y]) => Number((y - segment.baselineMm).toFixed(9)))).toEqual(up.map(([, y]) => Number((segment.baselineMm - y).toFixed(9))));
  });
});

describe('the overview', () => {
  it('keeps the lowest and highest value of each piece, and knows where there is none', () => {
    const samples = Int32Array.from([1, 9, -4, 2, MISSING_NV, MISSING_NV, 7, MISSING_NV]);
    expect([...envelope(samples, 4)]).toEqual([1, 9, -4, 2, Number.NaN, Number.NaN, 7, 7]);
  });

  it('has a value for each piece of a short lead', () => {
    expect([...envelope(Int32Array.from([5, 6]), 4)]).toEqual([5, 5, 5, 5, 6, 6, 6, 6]);
  });
});

describe('samples from the server', () => {
  it('are cut into leads', () => {
    const bytes = Int32Array.from([1, -2, 3]).buffer;
    const leads = splitSamples(bytes, [{ name: 'I', sample_count: 1, start_us: 0 }, { name: 'II', sample_count: 2, start_us: 5 }]);
    expect(leads.map((l) => [l.name, [...l.samples], l.startUs])).toEqual([['I', [1], 0], ['II', [-2, 3], 5]]);
  });

  it('that do not fit their header are refused', () => {
    expect(() => splitSamples(new ArrayBuffer(8), [{ name: 'I', sample_count: 1, start_us: 0 }])).toThrow(RangeError);
  });

  it('far off the paper are moved, others are not', () => {
    expect(baselineShiftMv(new Int32Array(10).fill(4_200_000))).toBeCloseTo(4.2);
    expect(baselineShiftMv(new Int32Array(10).fill(900_000))).toBe(0);
    expect(baselineShiftMv(new Int32Array(10).fill(MISSING_NV))).toBe(0);
  });
});
