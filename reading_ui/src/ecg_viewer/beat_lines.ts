/**
 * Median beats as lines: one scale for all leads, zero at 0 mV, time from a point that two beats share. Pure; in mm.
 */
import type { LeadSamples } from './trace';

export interface BeatScale {
  mmPerS: number;
  mmPerMv: number;
}

/** Lowest and highest voltage of all leads, with room around zero, in mV. */
export function rangeMv(beats: readonly (readonly LeadSamples[])[]): { low: number; high: number } {
  let low = -0.5;
  let high = 0.5;
  for (const { samples } of beats.flat()) {
    for (const value of samples) {
      if (value / 1e6 < low) low = value / 1e6;
      if (value / 1e6 > high) high = value / 1e6;
    }
  }
  return { low, high };
}

/** The path of one lead; x is 0 at `zeroUs` of the beat, y grows downwards from 0 mV. */
export function beatPath(samples: Int32Array, intervalUs: number, zeroUs: number, { mmPerS, mmPerMv }: BeatScale): string {
  let path = '';
  samples.forEach((value, index) => {
    const x = ((index * intervalUs - zeroUs) / 1e6) * mmPerS;
    path += `${index === 0 ? 'M' : 'L'}${x.toFixed(2)} ${((-value / 1e6) * mmPerMv).toFixed(2)}`;
  });
  return path;
}

/** How far two beats reach to both sides of the points that shall coincide, in µs. */
export function sharedSpanUs(beats: readonly { sampleCount: number; intervalUs: number; zeroUs: number }[]): { before: number; after: number } {
  return {
    before: Math.max(...beats.map((beat) => beat.zeroUs)),
    after: Math.max(...beats.map((beat) => (beat.sampleCount - 1) * beat.intervalUs - beat.zeroUs)),
  };
}

/** Every whole millimetre between two, for a grid. */
export function wholeMm(from: number, to: number, step: number): number[] {
  const first = Math.ceil(from / step - 1e-9);
  return Array.from({ length: Math.max(0, Math.floor(to / step + 1e-9) - first + 1) }, (_, index) => (first + index) * step);
}
