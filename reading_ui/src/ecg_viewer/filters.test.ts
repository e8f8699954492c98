import { describe, expect, it } from 'vitest';

import { type FilterChoice, filtered, inForce, isRaw, RAW, warningsOf } from './filters';
import { MISSING_NV } from './trace';

const choice = (more: Partial<FilterChoice>): FilterChoice => ({ ...RAW, ...more });

/** 1 mV of a sine, in nanovolts. */
function sine(hz: number, intervalUs: number, seconds: number): Int32Array {
  return Int32Array.from({ length: Math.round((seconds * 1e6) / intervalUs) }, (_, i) => Math.round(1e6 * Math.sin((2 * Math.PI * hz * i * intervalUs) / 1e6)));
}

/** What is left of a sine: amplitude and phase (radians) by projection on the middle half. */
function response(hz: number, by: FilterChoice, intervalUs: number, seconds = 20): { gain: number; phase: number } {
  const out = filtered(sine(hz, intervalUs, seconds), by, intervalUs);
  let inPhase = 0;
  let across = 0;
  // Whole periods from the middle, so that nothing leaks.
  const periods = Math.max(1, Math.floor((seconds / 2) * hz));
  const count = Math.round((periods / hz) * (1e6 / intervalUs));
  const from = Math.floor((out.length - count) / 2);
  for (let i = from; i < from + count; i += 1) {
    const angle = (2 * Math.PI * hz * i * intervalUs) / 1e6;
    inPhase += (out[i] ?? 0) * Math.sin(angle);
    across += (out[i] ?? 0) * Math.cos(angle);
  }
  return { gain: (2 * Math.hypot(inPhase, across)) / count / 1e6, phase: Math.atan2(across, inPhase) };
}

describe.each([[2000, '500 Hz'], [1667, '599.88 Hz'], [1000, '1000 Hz'], [4000, '250 Hz']])('display filters at %d µs (%s)', (intervalUs) => {
  it.each([25, 40, 100])('a high cut of %d Hz leaves 1/√2 there, all below and little above', (hz) => {
    const by = choice({ highCutHz: hz });
    expect(response(hz, by, intervalUs).gain).toBeCloseTo(Math.SQRT1_2, 2);
    expect(response(hz / 4, by, intervalUs).gain).toBeGreaterThan(0.99);
    if (hz * 2 < 0.4e6 / intervalUs) expect(response(hz * 2, by, intervalUs).gain).toBeLessThan(0.15);
  });

  it('a low cut of 0.5 Hz leaves 1/√2 there, all above and little below', () => {
    const by = choice({ lowCutHz: 0.5 });
    expect(response(0.5, by, intervalUs, 60).gain).toBeCloseTo(Math.SQRT1_2, 2);
    expect(response(2, by, intervalUs, 60).gain).toBeGreaterThan(0.99);
    expect(response(0.1, by, intervalUs, 120).gain).toBeLessThan(0.02);
  });

  it('a notch takes 50 Hz and leaves 40 and 60', () => {
    const by = choice({ notchHz: 50 });
    expect(response(50, by, intervalUs).gain).toBeLessThan(0.01);
    expect(response(49, by, intervalUs).gain).toBeCloseTo(Math.SQRT1_2, 1);
    expect(response(40, by, intervalUs).gain).toBeGreaterThan(0.98);
    expect(response(60, by, intervalUs).gain).toBeGreaterThan(0.98);
  });

  it('nothing moves in time', () => {
    const by = { lowCutHz: 0.5, highCutHz: 40, notchHz: 50 };
    for (const hz of [1, 5, 10, 20, 35]) expect(Math.abs(response(hz, by, intervalUs).phase)).toBeLessThan(0.002);
    const pulse = new Int32Array(4001).map((_, i) => Math.round(1e6 * Math.exp(-(((i - 2000) / 10) ** 2))));
    const out = filtered(pulse, by, intervalUs);
    expect(out.indexOf(Math.max(...out))).toBe(2000);
    for (let i = 1; i < 300; i += 1) expect(Math.abs((out[2000 - i] ?? 0) - (out[2000 + i] ?? 0))).toBeLessThan(2000);
  });
});

describe('display filters', () => {
  it('keep the drift of 0.05 Hz to its 1/√2', () => {
    expect(response(0.05, choice({ lowCutHz: 0.05 }), 4000, 400).gain).toBeCloseTo(Math.SQRT1_2, 2);
    expect(response(0.5, choice({ lowCutHz: 0.05 }), 4000, 100).gain).toBeGreaterThan(0.999);
  });

  it('make no wave at the ends of a constant', () => {
    const flat = new Int32Array(5000).fill(730_000);
    for (const by of [choice({ highCutHz: 25 }), choice({ highCutHz: 150 }), choice({ notchHz: 50 }), choice({ highCutHz: 40, notchHz: 60 })]) {
      const out = filtered(flat, by, 2000);
      expect(Math.max(...out) - 730_000).toBeLessThanOrEqual(1);
      expect(730_000 - Math.min(...out)).toBeLessThanOrEqual(1);
    }
    for (const lowCutHz of [0.05, 0.5]) {
      const out = filtered(flat, choice({ lowCutHz }), 2000);
      expect(Math.max(...out.map(Math.abs))).toBeLessThanOrEqual(1);
    }
  });

  it('take 1 mV of slow drift away and leave a QRS as high as it was', () => {
    const samples = new Int32Array(5000).map((_, i) => Math.round(5e5 * Math.sin((2 * Math.PI * 0.15 * i) / 500) + 1e6 * Math.exp(-(((i % 400) - 200) ** 2) / 50)));
    const out = filtered(samples, choice({ lowCutHz: 0.5 }), 2000);
    const peaks = Array.from({ length: 9 }, (_, beat) => Math.max(...out.slice(beat * 400 + 1800, beat * 400 + 2200)));
    for (const peak of peaks.slice(0, 5)) expect(peak / 1e6).toBeGreaterThan(0.9);
  });

  it('do not bend a trace that begins or ends within a QRS', () => {
    const samples = new Int32Array(5000).map((_, i) => (i % 400 < 20 ? 1_500_000 : 200_000));
    samples.fill(1_500_000, 4990);
    const out = filtered(samples, choice({ lowCutHz: 0.5 }), 2000);
    const between = (beat: number) => out[beat * 400 + 200] ?? 0;
    for (const beat of [0, 1, 11]) expect(Math.abs(between(beat) - between(6))).toBeLessThan(50_000);
  });

  it('keep gaps as gaps and do not smear over them', () => {
    const samples = new Int32Array(3000).fill(100_000);
    samples.fill(-2_000_000, 1600);
    samples.fill(MISSING_NV, 1500, 1600);
    samples[2999] = MISSING_NV;
    const out = filtered(samples, choice({ highCutHz: 25, notchHz: 50 }), 2000);
    expect([...out].map((value) => value === MISSING_NV)).toEqual([...samples].map((value) => value === MISSING_NV));
    expect(Math.abs((out[1499] ?? 0) - 100_000)).toBeLessThanOrEqual(1);
    expect(Math.abs((out[1600] ?? 0) + 2_000_000)).toBeLessThanOrEqual(1);
  });

  it('leave the samples themselves alone, and give the very same when nothing is chosen', () => {
    const samples = sine(10, 2000, 2);
    const before = samples.slice();
    filtered(samples, choice({ highCutHz: 40 }), 2000);
    expect(samples).toEqual(before);
    expect(filtered(samples, RAW, 2000)).toBe(samples);
    expect([isRaw(RAW), isRaw(choice({ notchHz: 50 }))]).toEqual([true, false]);
  });

  it('stay within what nanovolts can hold', () => {
    const samples = new Int32Array(100).map((_, i) => (i % 2 === 0 ? 2 ** 31 - 1 : MISSING_NV + 1));
    expect(filtered(samples, choice({ highCutHz: 150 }), 2000).every((value) => value > MISSING_NV)).toBe(true);
  });

  it('say where the sampling is too slow for them, and then do nothing', () => {
    const by = choice({ highCutHz: 150, notchHz: 60 });
    expect(inForce(by, 1e6 / 240)).toEqual(choice({ notchHz: 60 }));
    expect(warningsOf(by, 1e6 / 240)).toEqual(['high-cut-beyond']);
    const samples = sine(20, 10_000, 5);
    expect(filtered(samples, by, 10_000)).toBe(samples);
    expect(warningsOf(by, 10_000)).toEqual(['high-cut-beyond', 'notch-beyond']);
  });

  it('warn where they change what is judged', () => {
    expect(warningsOf(choice({ lowCutHz: 0.05, highCutHz: 150 }), 2000)).toEqual([]);
    expect(warningsOf(choice({ lowCutHz: 0.5, highCutHz: 40 }), 2000)).toEqual(['low-cut-st', 'high-cut-qrs']);
  });

  it('do twelve leads of ten seconds in 50 ms', () => {
    const leads = Array.from({ length: 12 }, (_, i) => sine(1 + i, 2000, 10));
    const by = { lowCutHz: 0.05, highCutHz: 40, notchHz: 50 };
    const times = Array.from({ length: 7 }, () => {
      const begun = performance.now();
      for (const lead of leads) filtered(lead, by, 2000);
      return performance.now() - begun;
    });
    expect(Math.min(...times)).toBeLessThan(50);
  });
});
