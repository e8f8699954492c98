import { describe, expect, it } from 'vitest';

import type { FigureLine } from '../api/types';
import { monthBefore } from '../model/months';
import { bySubject, rateOf, reasonCounts, summed } from './sums';

const line = (more: Partial<FigureLine>): FigureLine => ({
  site_id: 'a', site_name: 'A', key: 'dr', name: 'DR', month: '2026-11', studies: 10, graded: 4, excellent: 1, good: 1, acceptable: 1, rejected: 1,
  rejection_rate: 0.25, retakes: 1, retaken: 0, declined: 0, reasons: { position: 1 }, ...more,
});

describe('figures of quality', () => {
  it('puts the months of one subject together and keeps two sites apart', () => {
    const sums = summed([line({}), line({ month: '2026-12', rejected: 3, graded: 6 }), line({ site_id: 'b' })], bySubject);
    expect(sums.map((sum) => [sum.graded, sum.rejected, sum.studies])).toEqual([[10, 4, 20], [4, 1, 10]]);
  });

  it('says no rate where nothing was graded', () => {
    expect(rateOf({ graded: 0, rejected: 0 })).toBeNull();
    expect(rateOf({ graded: 4, rejected: 1 })).toBe(0.25);
  });

  it('names the most frequent reason first', () => {
    expect(reasonCounts([line({}), line({ reasons: { motion: 2, position: 2 } }), line({ reasons: { baseline: 2 } })])).toEqual([['position', 3], ['baseline', 2], ['motion', 2]]);
  });

  it('counts months back over the turn of the year', () => {
    expect([monthBefore('2026-01', 1), monthBefore('2026-11', 0), monthBefore('2026-03', 15)]).toEqual(['2025-12', '2026-11', '2024-12']);
  });
});
