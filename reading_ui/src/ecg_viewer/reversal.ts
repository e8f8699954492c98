/**
 * What the limb leads would look like had two electrodes been swapped: a preview for the eye, never stored, never
 * printed. Pure.
 *
 * With the potentials of the electrodes, I = LA − RA, II = LL − RA, III = LL − LA, aVR = RA − (LA + LL)/2 and so on; the
 * chest leads' reference is the mean of all three and does not change. So a swap of two electrodes only exchanges limb
 * leads, some of them turned round: no number is computed anew, and swapping twice gives the record back bit by bit.
 */
import { type LeadSamples, MISSING_NV } from './trace';

export const SWAPS = ['LA/RA', 'LA/LL', 'RA/LL'] as const;
export type Swap = (typeof SWAPS)[number];

interface Origin {
  lead: string;
  sign: 1 | -1;
}

const from = (lead: string, sign: 1 | -1 = 1): Origin => ({ lead, sign });

/** Where each limb lead of the preview comes from. */
const ORIGINS: Record<Swap, Record<string, Origin>> = {
  'LA/RA': { I: from('I', -1), II: from('III'), III: from('II'), aVR: from('aVL'), aVL: from('aVR'), aVF: from('aVF') },
  'LA/LL': { I: from('II'), II: from('I'), III: from('III', -1), aVR: from('aVR'), aVL: from('aVF'), aVF: from('aVL') },
  'RA/LL': { I: from('III', -1), II: from('II', -1), III: from('I', -1), aVR: from('aVF'), aVL: from('aVL'), aVF: from('aVR') },
};

export const LIMB_LEADS: readonly string[] = ['I', 'II', 'III', 'aVR', 'aVL', 'aVF'];

/** Which swaps can be shown: those of which every limb lead of the record finds its origin in the record. */
export function swapsFor(leads: readonly LeadSamples[]): Swap[] {
  const limbs = leads.filter((lead) => LIMB_LEADS.includes(lead.name));
  const names = new Set(limbs.map((lead) => lead.name));
  if (limbs.length === 0 || names.size < limbs.length) return [];
  return SWAPS.filter((swap) => limbs.every((lead) => names.has(ORIGINS[swap][lead.name]?.lead ?? '')));
}

/** The leads with two electrodes exchanged; the record's own arrays are not touched. */
export function swapped(leads: readonly LeadSamples[], swap: Swap): LeadSamples[] {
  return leads.map((lead) => {
    const origin = ORIGINS[swap][lead.name];
    const found = origin === undefined ? undefined : leads.find((other) => other.name === origin.lead);
    if (origin === undefined || found === undefined) return lead;
    return { name: lead.name, startUs: found.startUs, samples: origin.sign === 1 ? found.samples : turned(found.samples) };
  });
}

/** The next one in turn, then none again. */
export function nextSwap(swaps: readonly Swap[], now: Swap | null): Swap | null {
  return swaps[now === null ? 0 : swaps.indexOf(now) + 1] ?? null;
}

function turned(samples: Int32Array): Int32Array {
  // The smallest integer says "no value" and has no opposite; everything else has.
  return samples.map((value) => (value === MISSING_NV ? MISSING_NV : -value));
}
