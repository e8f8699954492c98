import { describe, expect, it } from 'vitest';

import { beatPath, rangeMv, sharedSpanUs, wholeMm } from './beat_lines';

const lead = (name: string, ...nv: number[]) => ({ name, startUs: 0, samples: Int32Array.from(nv) });

describe('median beats as lines', () => {
  it('are true to scale, with nought at the point that beats share', () => {
    expect(beatPath(Int32Array.from([0, 1_000_000, -500_000]), 10_000, 10_000, { mmPerS: 100, mmPerMv: 20 })).toBe('M-1.00 0.00L0.00 -20.00L1.00 10.00');
  });

  it('coincide at that point whatever their sampling', () => {
    const slow = beatPath(Int32Array.from([0, 7, 0]), 4000, 4000, { mmPerS: 50, mmPerMv: 10 });
    const fast = beatPath(Int32Array.from([0, 0, 7, 0]), 2000, 4000, { mmPerS: 50, mmPerMv: 10 });
    expect([slow.split('L')[1], fast.split('L')[2]]).toEqual(['0.00 -0.00', '0.00 -0.00']);
    expect(sharedSpanUs([{ sampleCount: 3, intervalUs: 4000, zeroUs: 4000 }, { sampleCount: 9, intervalUs: 2000, zeroUs: 2000 }])).toEqual({ before: 4000, after: 14_000 });
  });

  it('have one range for all leads, never less than half a millivolt to each side', () => {
    expect(rangeMv([[lead('I', 100, -100)], [lead('II', 2_000_000, -300_000)]])).toEqual({ low: -0.5, high: 2 });
    expect(rangeMv([])).toEqual({ low: -0.5, high: 0.5 });
  });

  it('lie on a grid of whole millimetres', () => {
    expect(wholeMm(-2.5, 3, 1)).toEqual([-2, -1, 0, 1, 2, 3].map((mm) => mm));
    expect(wholeMm(-7, 11, 5)).toEqual([-5, 0, 5, 10]);
  });
});
