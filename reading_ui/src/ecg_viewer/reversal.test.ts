import { describe, expect, it } from 'vitest';

import { LIMB_LEADS, nextSwap, type Swap, SWAPS, swapped, swapsFor } from './reversal';
import { type LeadSamples, MISSING_NV } from './trace';

/** Electrode potentials, from which every lead follows by definition. */
const RA = Int32Array.from([-40, 6, 802, -96]);
const LA = Int32Array.from([20, 14, -304, 50]);
const LL = Int32Array.from([60, -28, 96, 1006]);

function leadsOf(ra: Int32Array, la: Int32Array, ll: Int32Array): LeadSamples[] {
  const made = (name: string, value: (ra: number, la: number, ll: number) => number): LeadSamples =>
    ({ name, startUs: 0, samples: ra.map((_, i) => value(ra[i] ?? 0, la[i] ?? 0, ll[i] ?? 0)) });
  return [
    made('I', (r, l) => l - r), made('II', (r, _, f) => f - r), made('III', (_, l, f) => f - l),
    made('aVR', (r, l, f) => r - (l + f) / 2), made('aVL', (r, l, f) => l - (r + f) / 2), made('aVF', (r, l, f) => f - (r + l) / 2),
    made('V1', (r, l, f) => 500 - (r + l + f) / 3),
  ];
}

const of = (leads: readonly LeadSamples[], name: string) => [...(leads.find((lead) => lead.name === name)?.samples ?? [])];
const RECORD = leadsOf(RA, LA, LL);
const TRUE_SWAPS: Record<Swap, LeadSamples[]> = { 'LA/RA': leadsOf(LA, RA, LL), 'LA/LL': leadsOf(RA, LL, LA), 'RA/LL': leadsOf(LL, LA, RA) };

describe('what if two electrodes had been swapped', () => {
  it.each(SWAPS)('%s: every lead is what the swapped electrodes would have given', (swap) => {
    const preview = swapped(RECORD, swap);
    for (const name of [...LIMB_LEADS, 'V1']) expect(of(preview, name)).toEqual(of(TRUE_SWAPS[swap], name));
  });

  it.each(SWAPS)('%s: swapping twice gives the record back, gaps included', (swap) => {
    const gaps = RECORD.map((lead) => ({ ...lead, samples: Int32Array.from([...lead.samples, MISSING_NV]) }));
    const back = swapped(swapped(gaps, swap), swap);
    for (const { name } of gaps) expect(of(back, name)).toEqual(of(gaps, name));
  });

  it.each(SWAPS)('%s: I + III is II, and the augmented leads sum to nothing', (swap) => {
    const preview = swapped(RECORD, swap);
    const [i, ii, iii] = ['I', 'II', 'III'].map((name) => of(preview, name));
    expect(i?.map((value, at) => value + (iii?.[at] ?? 0))).toEqual(ii);
    const [r, l, f] = ['aVR', 'aVL', 'aVF'].map((name) => of(preview, name));
    expect(r?.map((value, at) => value + (l?.[at] ?? 0) + (f?.[at] ?? 0))).toEqual([0, 0, 0, 0]);
  });

  it('leaves the record itself and its chest leads alone', () => {
    const before = RECORD.map((lead) => [...lead.samples]);
    const preview = swapped(RECORD, 'LA/RA');
    expect(RECORD.map((lead) => [...lead.samples])).toEqual(before);
    expect(preview.at(-1)).toBe(RECORD.at(-1));
  });

  it('is offered only where every limb lead has its origin in the record', () => {
    expect(swapsFor(RECORD)).toEqual([...SWAPS]);
    expect(swapsFor(RECORD.filter((lead) => lead.name !== 'III'))).toEqual(['LA/LL']);
    expect(swapsFor(RECORD.slice(0, 3))).toEqual([...SWAPS]);
    expect(swapsFor(RECORD.slice(-1))).toEqual([]);
    expect([nextSwap(SWAPS, null), nextSwap(SWAPS, 'LA/RA'), nextSwap(SWAPS, 'RA/LL'), nextSwap([], null)]).toEqual(['LA/RA', 'LA/LL', null, null]);
  });
});
