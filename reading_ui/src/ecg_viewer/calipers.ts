/**
 * The calipers: between two times, between two voltages, and from the beginning of a QRS to the end of its T. Pure;
 * arms in time snap to samples.
 */
import { segmentAt, type Sheet, timeAt, xOf } from './geometry';

export type CaliperKind = 'time' | 'voltage' | 'qt';
export const CALIPER_KINDS: readonly CaliperKind[] = ['time', 'voltage', 'qt'];

/** Arms in seconds on the sheet's axis; the bar lies at `yMm`. */
export interface TimeCaliper {
  kind: 'time' | 'qt';
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

/** Width of a caliper as it is placed, in seconds: about one beat, about one QT. */
const PLACED_S = { time: 0.8, qt: 0.4 };

/** What a caliper reads. A rate makes sense from 200 ms (300/min) to 4 s (15/min), and not of a QT. */
export function readCaliper(caliper: Caliper, sheet: Sheet): Reading {
  if (caliper.kind === 'voltage') {
    const gain = segmentAt(sheet, caliper.xMm, (caliper.a + caliper.b) / 2)?.mmPerMv ?? sheet.paper.mmPerMv;
    return { ms: null, perMinute: null, mv: Math.abs(caliper.a - caliper.b) / gain };
  }
  const ms = Math.abs(caliper.b - caliper.a) * 1000;
  return { ms, perMinute: caliper.kind === 'time' && ms >= 200 && ms <= 4000 ? 60_000 / ms : null, mv: null };
}

/** A caliper at a place: around one beat, one QT, or one millivolt. */
export function placeCaliper(kind: CaliperKind, sheet: Sheet, xMm: number, yMm: number, intervalUs: number): Caliper {
  if (kind === 'voltage') return { kind, xMm, a: yMm, b: yMm - (segmentAt(sheet, xMm, yMm)?.mmPerMv ?? sheet.paper.mmPerMv) };
  const atS = timeAt(sheet, xMm);
  const half = PLACED_S[kind] / 2;
  return moveArm({ kind, a: atS - half, b: atS + half, yMm }, 'both', 0, 0, sheet, intervalUs);
}

/** Moves an arm, or the whole caliper, by millimetres. Times snap to samples and stay on the sheet. */
export function moveArm<C extends Caliper>(caliper: C, handle: Handle, dxMm: number, dyMm: number, sheet: Sheet, intervalUs: number): C {
  const moved: Caliper = { ...caliper };
  if (moved.kind !== 'voltage') {
    const endS = sheet.startS + sheet.durationS;
    let dS = dxMm / sheet.paper.mmPerS;
    // A caliper moved as a whole keeps its width at the edges.
    if (handle === 'both') dS = clamp(dS, sheet.startS - Math.min(moved.a, moved.b), endS - Math.max(moved.a, moved.b));
    const snapped = (atS: number) => snap(clamp(atS, sheet.startS, endS), intervalUs);
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

/** How far a press of an arrow key moves an arm: one sample, or a tenth of a millimetre of voltage. */
export type Stride = 'one' | 'ten' | 'millimetre';

export function keyStepMm(caliper: Caliper, sheet: Sheet, intervalUs: number, stride: Stride = 'one'): number {
  if (stride === 'millimetre') return 1;
  const one = caliper.kind === 'voltage' ? 0.1 : (intervalUs / 1e6) * sheet.paper.mmPerS;
  return stride === 'ten' ? one * 10 : one;
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
