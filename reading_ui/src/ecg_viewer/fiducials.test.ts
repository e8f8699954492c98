import { describe, expect, it } from 'vitest';

import { added, changedIntervals, FIDUCIALS, intervalsOf, isSame, moved, type Points, pointsOf, stepped } from './fiducials';

const BEAT = { interval_us: 2000, sample_count: 400 };
const POINTS: Points = {
  p_onset: 100_000, p_peak: 140_000, p_offset: 190_000, qrs_onset: 250_000, r_peak: 290_000, qrs_offset: 340_000, t_peak: 550_000, t_offset: 640_000,
};

describe('points of a median beat', () => {
  it('give PR, QRS, QT, and QTc where the rate is known', () => {
    expect(intervalsOf(POINTS, null)).toEqual({ p_ms: 90, pr_ms: 150, qrs_ms: 90, qt_ms: 390 });
    expect(intervalsOf(POINTS, 1000)).toMatchObject({ qtc_bazett_ms: 390, qtc_hodges_ms: 390 });
    expect(intervalsOf({ qrs_onset: 1, qrs_offset: 90_001 }, 1000)).toEqual({ qrs_ms: 90 });
  });

  it('snap to samples and never pass each other', () => {
    expect(moved(POINTS, 'p_onset', 120_900, BEAT).p_onset).toBe(120_000);
    expect(moved(POINTS, 'p_onset', 500_000, BEAT).p_onset).toBe(138_000);
    expect(moved(POINTS, 'p_onset', -9, BEAT).p_onset).toBe(0);
    expect(moved(POINTS, 't_offset', 9e9, BEAT).t_offset).toBe(798_000);
    const odd = moved({ ...POINTS, p_peak: 140_500 }, 'p_onset', 500_000, BEAT);
    expect(odd.p_onset).toBe(140_000);
    expect(moved({ r_peak: 2000, qrs_offset: 4000, qrs_onset: 0 }, 'r_peak', 9e9, BEAT).r_peak).toBe(2000);
  });

  it('move by one sample, from between two samples to the next one', () => {
    expect(stepped(POINTS, 'p_onset', -1, BEAT).p_onset).toBe(98_000);
    expect(stepped(POINTS, 'p_onset', 10, BEAT).p_onset).toBe(120_000);
    const between = { ...POINTS, p_onset: 100_700 };
    expect(stepped(between, 'p_onset', 1, BEAT).p_onset).toBe(102_000);
    expect(stepped(between, 'p_onset', -1, BEAT).p_onset).toBe(100_000);
    expect(stepped({}, 'p_onset', 1, BEAT)).toEqual({});
  });

  it('can be set where the gateway found none, between their neighbours', () => {
    const { qrs_onset, r_peak, qrs_offset, t_peak, t_offset } = POINTS;
    const noP = pointsOf({ qrs_onset, r_peak, qrs_offset, t_peak, t_offset } as Record<string, number>);
    const withP = added(noP, 'p_onset', BEAT);
    expect(withP.p_onset).toBe(90_000);
    expect(intervalsOf(withP, null).pr_ms).toBe(160);
    let all: Points = { r_peak: 10_000 };
    for (const name of FIDUCIALS) all = added(all, name, BEAT);
    const times = FIDUCIALS.map((name) => all[name] ?? -1);
    expect([...times].sort((a, b) => a - b)).toEqual(times);
    expect(new Set(times).size).toBe(FIDUCIALS.length);
  });

  it("make only those intervals the doctor's that a moved point bounds", () => {
    const after = moved(POINTS, 'p_onset', 90_000, BEAT);
    expect(changedIntervals(POINTS, after, 1000)).toEqual({ p_ms: 100, pr_ms: 160 });
    expect(Object.keys(changedIntervals(POINTS, moved(POINTS, 't_offset', 650_000, BEAT), 1000)))
      .toEqual(['qt_ms', 'qtc_bazett_ms', 'qtc_fridericia_ms', 'qtc_framingham_ms', 'qtc_hodges_ms']);
    expect(changedIntervals(POINTS, moved(POINTS, 'p_peak', 144_000, BEAT), 1000)).toEqual({});
    expect(changedIntervals(POINTS, POINTS, 1000)).toEqual({});
  });

  it('are known by name, and compared by name', () => {
    expect(pointsOf({ p_onset: 1, u_wave: 2 })).toEqual({ p_onset: 1 });
    expect(pointsOf(null)).toEqual({});
    expect(isSame(POINTS, { ...POINTS })).toBe(true);
    expect(isSame(POINTS, { ...POINTS, p_onset: 1 })).toBe(false);
  });
});
