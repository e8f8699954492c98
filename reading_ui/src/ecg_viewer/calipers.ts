/**
 * Two calipers: one between two times, one between two voltages. Pure; arms snap to samples.
 */
import { type Sheet, timeAt, xOf } from './geometry';

export type CaliperKind = 'time' | 'voltage';

/** Arms in seconds since the record began; the bar lies at `yMm`. */
export interface TimeCaliper {
  kind: 'time';
  a: number;
  b: number;
  yMm: number;
}

/** Arms in millimetres from the upper edge; the bar lies at `xMm`. */
export interface VoltageCaliper {
  kind: 'voltage';
  a: number;
  b: number;
  xMm: number;
}

export type Caliper = TimeCaliper | VoltageCaliper;
export type Handle = 'a' | 'b' | 'both';

export interface Reading {
  ms: number | null;
  perMinute: number | null;
  mv: number | null;
}

/** What a caliper reads. A rate makes sense from 200 ms (300/min) to 4 s (15/min). */
export function readCaliper(caliper: Caliper, sheet: Sheet): Reading {
  if (caliper.kind === 'voltage') {
    return { ms: null, perMinute: null, mv: Math.abs(caliper.a - caliper.b) / sheet.paper.mmPerMv };
  }
  const ms = Math.abs(caliper.b - caliper.a) * 1000;
  return { ms, perMinute: ms >= 200 && ms <= 4000 ? 60_000 / ms : null, mv: null };
}

/** A caliper at a place: around one beat, or one millivolt. */
export function placeCaliper(kind: CaliperKind, sheet: Sheet, xMm: number, yMm: number, intervalUs: number): Caliper {
  if (kind === 'voltage') return { kind, xMm, a: yMm, b: yMm - sheet.paper.mmPerMv };
  const atS = timeAt(sheet, xMm);
  return moveArm({ kind, a: atS - 0.4, b: atS + 0.4, yMm }, 'both', 0, 0, sheet, intervalUs);
}

/** Moves an arm, or the whole caliper, by millimetres. Times snap to samples and stay on the sheet. */
export function moveArm<C extends Caliper>(caliper: C, handle: Handle, dxMm: number, dyMm: number, sheet: Sheet, intervalUs: number): C {
  const moved: Caliper = { ...caliper };
  if (moved.kind === 'time') {
    const dS = dxMm / sheet.paper.mmPerS;
    const snapped = (atS: number) => snap(clamp(atS, sheet.startS, sheet.startS + sheet.durationS), intervalUs);
    if (handle !== 'b') moved.a = snapped(moved.a + dS);
    if (handle !== 'a') moved.b = snapped(moved.b + dS);
    if (handle === 'both') moved.yMm = clamp(moved.yMm + dyMm, 0, sheet.heightMm);
  } else {
    if (handle !== 'b') moved.a = clamp(moved.a + dyMm, 0, sheet.heightMm);
    if (handle !== 'a') moved.b = clamp(moved.b + dyMm, 0, sheet.heightMm);
    if (handle === 'both') moved.xMm = clamp(moved.xMm + dxMm, 0, sheet.widthMm);
  }
  return moved as C;
}

/** How far one press of an arrow key moves an arm: one sample, or a tenth of a millimetre of voltage. */
export function keyStepMm(caliper: Caliper, sheet: Sheet, intervalUs: number): number {
  return caliper.kind === 'time' ? (intervalUs / 1e6) * sheet.paper.mmPerS : 0.1;
}

/** Where further beats at the same interval would fall, in millimetres from the left edge. */
export function marchMm(caliper: TimeCaliper, sheet: Sheet): number[] {
  const step = Math.abs(caliper.b - caliper.a);
  if (step < 0.1) return [];
  const marks: number[] = [];
  const first = caliper.a - Math.floor((caliper.a - sheet.startS) / step) * step;
  for (let at = first; at <= sheet.startS + sheet.durationS; at += step) {
    if (Math.abs(at - caliper.a) > 1e-6 && Math.abs(at - caliper.b) > 1e-6) marks.push(xOf(sheet, at));
  }
  return marks;
}

function snap(atS: number, intervalUs: number): number {
  return (Math.round((atS * 1e6) / intervalUs) * intervalUs) / 1e6;
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
