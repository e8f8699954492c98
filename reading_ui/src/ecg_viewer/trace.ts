/**
 * From samples to a line on the sheet: points in millimetres, thinned so that no peak is lost, broken where the file
 * has no value.
 */
import { type Paper, type Segment, yOf } from './geometry';

/** What the server sends for "no value". */
export const MISSING_NV = -2147483648;
const NV_PER_MV = 1e6;

export interface LeadSamples {
  name: string;
  /** Nanovolts. */
  samples: Int32Array;
  /** The lead began so much later than the record. */
  startUs: number;
}

/** Cuts the answer of /samples into leads. The bytes are little-endian, whatever this machine is. */
export function splitSamples(bytes: ArrayBuffer, leads: readonly { name: string; sample_count: number; start_us: number }[]): LeadSamples[] {
  const total = leads.reduce((sum, lead) => sum + lead.sample_count, 0);
  if (bytes.byteLength !== total * 4) throw new RangeError('the samples do not fit their header');
  const view = new DataView(bytes);
  let at = 0;
  return leads.map((lead) => {
    const samples = new Int32Array(lead.sample_count);
    for (let i = 0; i < samples.length; i += 1, at += 4) samples[i] = view.getInt32(at, true);
    return { name: lead.name, samples, startUs: lead.start_us };
  });
}

/**
 * The points of a segment as x, y pairs in millimetres; a pair of NaN lifts the pen. Where more than two samples fall
 * into `columnMm`, each column keeps its first, lowest, highest and last sample, in the order of time.
 */
export function tracePoints(lead: LeadSamples, segment: Segment, paper: Pick<Paper, 'mmPerS'>, intervalUs: number, columnMm: number, shiftMv = 0): Float64Array {
  const { samples } = lead;
  const mmPerSample = (intervalUs / 1e6) * paper.mmPerS;
  const leadStartS = lead.startUs / 1e6;
  const firstIndex = (segment.startS - leadStartS) / (intervalUs / 1e6);
  const from = Math.max(0, Math.ceil(firstIndex - 1e-6));
  const to = Math.min(samples.length - 1, Math.floor(firstIndex + (segment.durationS * 1e6) / intervalUs + 1e-6));
  const xOfIndex = (index: number) => segment.xMm + (index - firstIndex) * mmPerSample;
  const line = new Line(Math.max(0, to - from + 1));
  const add = (index: number) => {
    line.add(xOfIndex(index), yOf(segment, (samples[index] ?? 0) / NV_PER_MV - shiftMv));
  };
  if (mmPerSample * 2 >= columnMm) {
    for (let index = from; index <= to; index += 1) {
      if (samples[index] === MISSING_NV) line.lift();
      else add(index);
    }
    return line.points();
  }
  let index = from;
  while (index <= to) {
    const column = Math.floor((xOfIndex(index) - segment.xMm) / columnMm);
    let first = -1;
    let last = -1;
    let low = -1;
    let high = -1;
    let isBroken = false;
    for (; index <= to && Math.floor((xOfIndex(index) - segment.xMm) / columnMm) === column; index += 1) {
      const value = samples[index] ?? MISSING_NV;
      if (value === MISSING_NV) {
        isBroken = true;
        if (first >= 0) break;
        continue;
      }
      if (first < 0) {
        first = index;
        if (isBroken) line.lift();
        isBroken = false;
      }
      last = index;
      if (low < 0 || value < (samples[low] ?? 0)) low = index;
      if (high < 0 || value > (samples[high] ?? 0)) high = index;
    }
    let before = -1;
    for (const kept of [first, Math.min(low, high), Math.max(low, high), last]) {
      if (kept > before) add(kept);
      before = Math.max(before, kept);
    }
    if (isBroken) line.lift();
  }
  return line.points();
}

/**
 * What is taken off a lead so that it lies on its row. Only a lead that is far off the paper is moved (some Holter
 * files carry several millivolts of offset), and the screen says so.
 */
export function baselineShiftMv(samples: Int32Array): number {
  const step = Math.max(1, Math.floor(samples.length / 2000));
  const values: number[] = [];
  for (let i = 0; i < samples.length; i += step) {
    const value = samples[i] ?? MISSING_NV;
    if (value !== MISSING_NV) values.push(value);
  }
  if (values.length === 0) return 0;
  values.sort((a, b) => a - b);
  const medianMv = (values[Math.floor(values.length / 2)] ?? 0) / NV_PER_MV;
  return Math.abs(medianMv) > 1 ? medianMv : 0;
}

/** A growing line; two lifts in a row are one. */
class Line {
  private readonly xy: Float64Array;
  private length = 0;

  constructor(points: number) {
    this.xy = new Float64Array(points * 4 + 2);
  }

  add(x: number, y: number): void {
    this.xy[this.length] = x;
    this.xy[this.length + 1] = y;
    this.length += 2;
  }

  lift(): void {
    if (this.length === 0 || Number.isNaN(this.xy[this.length - 1])) return;
    this.add(Number.NaN, Number.NaN);
  }

  points(): Float64Array {
    const ends = this.length > 0 && Number.isNaN(this.xy[this.length - 1]) ? this.length - 2 : this.length;
    return this.xy.slice(0, ends);
  }
}

/** Lowest and highest value of so many equal pieces of a lead, in nanovolts; NaN where a piece has no value. */
export function envelope(samples: Int32Array, pieces: number): Float64Array {
  const out = new Float64Array(pieces * 2).fill(Number.NaN);
  for (let piece = 0; piece < pieces; piece += 1) {
    const from = Math.floor((piece * samples.length) / pieces);
    const to = Math.max(from + 1, Math.floor(((piece + 1) * samples.length) / pieces));
    let low = Number.POSITIVE_INFINITY;
    let high = Number.NEGATIVE_INFINITY;
    for (let i = from; i < to && i < samples.length; i += 1) {
      const value = samples[i] as number;
      if (value === MISSING_NV) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
    if (low <= high) {
      out[piece * 2] = low;
      out[piece * 2 + 1] = high;
    }
  }
  return out;
}
