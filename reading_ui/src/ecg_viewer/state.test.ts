import { describe, expect, it } from 'vitest';

import { RAW } from './filters';
import { changed, type Change, type Extent, isLonger, sheetOf, startView, stretchOf, type View } from './state';

const TWELVE = ['I', 'II', 'III', 'aVR', 'aVL', 'aVF', 'V1', 'V2', 'V3', 'V4', 'V5', 'V6'];
const usual: Extent = { leadNames: TWELVE, durationS: 10, intervalUs: 2000 };
const holter: Extent = { leadNames: ['MLII', 'V5'], durationS: 1805.555, intervalUs: 1e6 / 360 };
const after = (extent: Extent, ...changes: Change[]): View =>
  changes.reduce((view, change) => changed(view, change, extent), startView(extent === holter ? '12x1' : '3x4+1'));

describe('how much of a record stands on the sheet', () => {
  it('is all of a usual ECG, at any speed', () => {
    for (const mmPerS of [12.5, 25, 50, 100]) expect(stretchOf({ layout: '3x4', mmPerS }, usual).windowS).toBe(10);
    expect(stretchOf({ layout: '3x4', mmPerS: 25 }, { ...usual, durationS: 11 }).windowS).toBe(11);
    expect(stretchOf({ layout: '3x4', mmPerS: 25 }, { ...usual, durationS: 0.03 }).windowS).toBe(1);
  });

  it('is a sheet of paper of a longer one, in rows for a strip', () => {
    expect([12.5, 25, 50].map((mmPerS) => stretchOf({ layout: '12x1', mmPerS }, holter).windowS)).toEqual([20, 10, 5]);
    expect(stretchOf({ layout: 'strip', mmPerS: 25 }, holter)).toMatchObject({ rows: 8 });
    expect(stretchOf({ layout: 'strip', mmPerS: 25 }, holter).windowS).toBeCloseTo(80, 9);
    expect(stretchOf({ layout: 'strip', mmPerS: 50 }, usual)).toMatchObject({ rowS: 5, rows: 2 });
    expect([isLonger(startView('12x1'), holter), isLonger(startView('3x4+1'), usual)]).toEqual([true, false]);
  });
});

describe('the stretch that is shown', () => {
  it('goes on by pages, by seconds, to the ends, and never beyond', () => {
    expect(after(holter, { do: 'page', step: 1 }).startS).toBeCloseTo(10, 9);
    expect(after(holter, { do: 'page', step: -1 }).startS).toBe(0);
    expect(after(holter, { do: 'ends', to: 'last' }).startS).toBeCloseTo(1795.555, 2);
    expect(after(holter, { do: 'ends', to: 'last' }, { do: 'page', step: 1 }).startS).toBeCloseTo(1795.555, 2);
    expect(after(holter, { do: 'go', startS: 100 }, { do: 'move', seconds: -0.2 }).startS).toBeCloseTo(99.8, 2);
    expect(after(usual, { do: 'page', step: 1 }).startS).toBe(0);
  });

  it('begins on a sample', () => {
    const { startS } = after(holter, { do: 'go', startS: 123.4567 });
    expect(startS * 360).toBeCloseTo(Math.round(startS * 360), 6);
  });

  it('leaves calipers behind', () => {
    const placed: Change = { do: 'place', kind: 'time', xMm: 100, yMm: 30 };
    expect(after(holter, placed, { do: 'page', step: 1 }).time).toBeNull();
    expect(after(holter, placed).time).not.toBeNull();
  });
});

describe('calipers', () => {
  const both: Change[] = [{ do: 'place', kind: 'time', xMm: 100, yMm: 30 }, { do: 'place', kind: 'qt', xMm: 100, yMm: 30 }, { do: 'place', kind: 'voltage', xMm: 100, yMm: 30 }];

  it('in time stay when the speed changes, in voltage when the filter does', () => {
    const view = after(usual, ...both, { do: 'speed', step: 1 });
    expect([view.time !== null, view.qt !== null, view.voltage !== null, view.active]).toEqual([true, true, false, null]);
    expect(after(usual, ...both, { do: 'high-cut' }).voltage).not.toBeNull();
  });

  it('go when their place means something else', () => {
    for (const change of [{ do: 'gain', step: 1 }, { do: 'cabrera' }, { do: 'chest-half' }, { do: 'layout', index: 3 }] as Change[]) {
      const view = after(usual, ...both, change);
      expect([view.time, view.voltage, view.qt, view.active]).toEqual([null, null, null, null]);
    }
  });

  it('are taken away one by one or all', () => {
    expect(after(usual, ...both, { do: 'take-caliper', kind: 'qt' })).toMatchObject({ qt: null });
    expect(after(usual, ...both, { do: 'clear' })).toMatchObject({ time: null, qt: null, voltage: null, active: null });
  });
});

describe('layouts by key', () => {
  it('are taken only where the record has the leads for them', () => {
    expect(after(usual, { do: 'layout', index: 3 }).layout).toBe('6x2');
    expect(after(holter, { do: 'layout', index: 3 }).layout).toBe('12x1');
    expect(after(holter, { do: 'layout', index: 6 }).layout).toBe('strip');
  });

  it('show what they promise', () => {
    const sheet = sheetOf(after(usual, { do: 'layout', index: 1 }), usual);
    expect(sheet.segments.filter((segment) => segment.isRhythm).map((segment) => segment.name)).toEqual(['II', 'V1', 'V5']);
    expect(sheetOf(after(usual, { do: 'rhythm' }), usual).segments.at(-1)?.name).toBe('III');
  });
});

describe('filters by key', () => {
  it('go through their choices and end raw', () => {
    expect(after(usual, { do: 'low-cut' }).filters).toEqual({ ...RAW, lowCutHz: 0.05 });
    expect(after(usual, { do: 'low-cut' }, { do: 'low-cut' }, { do: 'low-cut' }).filters).toEqual(RAW);
    expect(after(usual, { do: 'notch' }, { do: 'raw' })).toMatchObject({ isRaw: true, filters: { notchHz: 50 } });
    expect(after(usual, { do: 'raw' }, { do: 'notch' }).isRaw).toBe(false);
  });
});

describe('zoom', () => {
  it('begins as large as fits; 0 is true size', () => {
    expect(startView('3x4').zoom).toBe('fit');
    expect(after(usual, { do: 'zoom', step: 0 }).zoom).toBe(1);
    expect(after(usual, { do: 'zoom', step: 1 }).zoom).toBe(1.5);
    expect(after(usual, { do: 'zoom', step: -1 }, { do: 'fit' }).zoom).toBe('fit');
  });
});
