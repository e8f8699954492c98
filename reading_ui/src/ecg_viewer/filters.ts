/**
 * Filters for the eye alone: what is stored, measured and sent stays as recorded. Pure.
 *
 * Every filter runs forwards and then backwards over the samples, so nothing moves in time (zero phase); the stated
 * frequency is where both passes together leave 1/√2. Butterworth of second order for low and high cut, a notch 2 Hz
 * wide (bilinear transform with prewarping: Oppenheim & Schafer, Discrete-Time Signal Processing, chapter 7; notch:
 * Bristow-Johnson, Audio EQ Cookbook; initial conditions: Gustafsson, IEEE Trans. Signal Processing 44, 1996).
 *
 * AHA/ACC/HRS 2007 (Kligfield et al., Circulation 115:1306) asks for 0.05 Hz (0.67 Hz with zero phase) to 150 Hz in
 * adults: narrower choices are warned about.
 */
import { MISSING_NV } from './trace';

export const LOW_CUTS_HZ: readonly number[] = [0, 0.05, 0.5];
export const HIGH_CUTS_HZ: readonly number[] = [0, 25, 40, 100, 150];
export const NOTCHES_HZ: readonly number[] = [0, 50, 60];

/** 0 means none. */
export interface FilterChoice {
  lowCutHz: number;
  highCutHz: number;
  notchHz: number;
}

export const RAW: FilterChoice = { lowCutHz: 0, highCutHz: 0, notchHz: 0 };

export type FilterWarning = 'low-cut-st' | 'high-cut-qrs' | 'high-cut-beyond' | 'notch-beyond';

export function isRaw({ lowCutHz, highCutHz, notchHz }: FilterChoice): boolean {
  return lowCutHz === 0 && highCutHz === 0 && notchHz === 0;
}

/** What a reader must know of a choice at this sampling frequency. */
export function warningsOf(choice: FilterChoice, intervalUs: number): FilterWarning[] {
  const warnings: FilterWarning[] = [];
  if (choice.lowCutHz >= 0.5) warnings.push('low-cut-st');
  if (choice.highCutHz > 0 && choice.highCutHz < 100) warnings.push('high-cut-qrs');
  if (!isWithin(choice.highCutHz, intervalUs)) warnings.push('high-cut-beyond');
  if (!isWithin(choice.notchHz, intervalUs)) warnings.push('notch-beyond');
  return warnings;
}

/** What really works at this sampling frequency: nothing filters above half of it. */
export function inForce(choice: FilterChoice, intervalUs: number): FilterChoice {
  return {
    lowCutHz: choice.lowCutHz,
    highCutHz: isWithin(choice.highCutHz, intervalUs) ? choice.highCutHz : 0,
    notchHz: isWithin(choice.notchHz, intervalUs) ? choice.notchHz : 0,
  };
}

/** Samples for the eye: nanovolts in, nanovolts out, gaps kept as gaps. The given array stays as it is. */
export function filtered(samples: Int32Array, choice: FilterChoice, intervalUs: number): Int32Array {
  const stages = stagesOf(inForce(choice, intervalUs), intervalUs);
  if (stages.length === 0) return samples;
  const out = Int32Array.from(samples);
  let from = 0;
  while (from < samples.length) {
    while (from < samples.length && samples[from] === MISSING_NV) from += 1;
    let to = from;
    while (to < samples.length && samples[to] !== MISSING_NV) to += 1;
    if (to - from > 2) filterStretch(samples, out, from, to, stages);
    from = to;
  }
  return out;
}

interface Biquad {
  b0: number; b1: number; b2: number; a1: number; a2: number;
  /** How many samples an edge is continued. */
  reach: number;
  /** So many samples at an edge tell the value about which it is continued; 0 means its last sample alone. */
  turnsAbout: number;
}

/** Two passes of order n leave 1/√2 at the stated frequency when one pass is set to fc·(√2−1)^(1/2n). */
const TWICE = (Math.SQRT2 - 1) ** 0.25;
const NOTCH_WIDTH_HZ = 2;
const HIGHEST = 0.45; // of the sampling frequency; above it the bilinear transform bends too much

function isWithin(hz: number, intervalUs: number): boolean {
  return hz <= (HIGHEST * 1e6) / intervalUs;
}

function stagesOf({ lowCutHz, highCutHz, notchHz }: FilterChoice, intervalUs: number): Biquad[] {
  const hz = 1e6 / intervalUs;
  const stages: Biquad[] = [];
  if (lowCutHz > 0) stages.push(butterworth(lowCutHz, hz, 'high-pass'));
  if (highCutHz > 0) stages.push(butterworth(highCutHz, hz, 'low-pass'));
  if (notchHz > 0) stages.push(notch(notchHz, hz));
  return stages;
}

function butterworth(cutHz: number, hz: number, kind: 'low-pass' | 'high-pass'): Biquad {
  // The correction is made on the warped axis, where the Butterworth curve is exact.
  const warped = Math.tan((Math.PI * cutHz) / hz);
  const k = kind === 'low-pass' ? warped / TWICE : warped * TWICE;
  const norm = 1 / (1 + Math.SQRT2 * k + k * k);
  const poles = { a1: 2 * (k * k - 1) * norm, a2: (1 - Math.SQRT2 * k + k * k) * norm, reach: Math.ceil(hz / cutHz), turnsAbout: kind === 'high-pass' ? Math.round(hz) : 0 };
  return kind === 'low-pass'
    ? { b0: k * k * norm, b1: 2 * k * k * norm, b2: k * k * norm, ...poles }
    : { b0: norm, b1: -2 * norm, b2: norm, ...poles };
}

function notch(atHz: number, hz: number): Biquad {
  const w = (2 * Math.PI * atHz) / hz;
  // Two passes: each is narrower, so that both together are NOTCH_WIDTH_HZ wide at 1/√2.
  const alpha = Math.tan((Math.PI * NOTCH_WIDTH_HZ) / hz) * TWICE * TWICE;
  const norm = 1 / (1 + alpha);
  const middle = -2 * Math.cos(w) * norm;
  return { b0: norm, b1: middle, b2: norm, a1: middle, a2: (1 - alpha) * norm, reach: Math.ceil(hz / NOTCH_WIDTH_HZ), turnsAbout: 0 };
}

/** Filters one stretch without gaps. */
function filterStretch(samples: Int32Array, out: Int32Array, from: number, to: number, stages: readonly Biquad[]): void {
  let line = Float64Array.from(samples.subarray(from, to));
  for (const stage of stages) line = forthAndBack(line, stage);
  for (let i = 0; i < line.length; i += 1) out[from + i] = Math.min(2 ** 31 - 1, Math.max(MISSING_NV + 1, Math.round(line[i] as number)));
}

/**
 * Both ends go on as their own mirror images before the passes. Where the baseline is taken away they turn about the
 * median of their second, not about the last value: a trace that is cut off within a QRS must not bend.
 */
function forthAndBack(line: Float64Array<ArrayBuffer>, stage: Biquad): Float64Array<ArrayBuffer> {
  const count = line.length;
  const reach = Math.min(count - 1, stage.reach);
  const long = new Float64Array(count + 2 * reach);
  const first = stage.turnsAbout === 0 ? line[0] as number : median(line.subarray(0, stage.turnsAbout));
  const last = stage.turnsAbout === 0 ? line[count - 1] as number : median(line.subarray(Math.max(0, count - stage.turnsAbout)));
  for (let i = 0; i < reach; i += 1) {
    long[i] = 2 * first - (line[reach - i] as number);
    long[reach + count + i] = 2 * last - (line[count - 2 - i] as number);
  }
  long.set(line, reach);
  pass(long, stage);
  long.reverse();
  pass(long, stage);
  long.reverse();
  return long.slice(reach, reach + count);
}

function median(values: Float64Array): number {
  return values.slice().sort()[values.length >> 1] ?? 0;
}

/** One pass in place (transposed direct form II), begun as if the first value had stood there for ever. */
function pass(line: Float64Array, { b0, b1, b2, a1, a2 }: Biquad): void {
  const first = line[0] ?? 0;
  const steady = ((b0 + b1 + b2) / (1 + a1 + a2)) * first;
  let s2 = b2 * first - a2 * steady;
  let s1 = b1 * first - a1 * steady + s2;
  for (let i = 0; i < line.length; i += 1) {
    const x = line[i] as number;
    const y = b0 * x + s1;
    s1 = b1 * x - a1 * y + s2;
    s2 = b2 * x - a2 * y;
    line[i] = y;
  }
}
