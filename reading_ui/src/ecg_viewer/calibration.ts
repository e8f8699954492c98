/**
 * How many CSS pixels one real millimetre is on this screen. A browser does not know; a person holds a bank card
 * against the screen once. Until then the usual 96 dots per inch are taken and the screen says "not calibrated".
 */
import { useSyncExternalStore } from 'react';

export const CARD_WIDTH_MM = 85.6; // ISO/IEC 7810 ID-1: every bank and identity card
export const CARD_HEIGHT_MM = 53.98;
export const DEFAULT_PX_PER_MM = 96 / 25.4;
export const MIN_PX_PER_MM = 1.5;
export const MAX_PX_PER_MM = 14;

export interface Calibration {
  pxPerMm: number;
  isCalibrated: boolean;
}

const KEY = 'reading-gateway.ecg.px-per-mm';
const NONE: Calibration = { pxPerMm: DEFAULT_PX_PER_MM, isCalibrated: false };
const listeners = new Set<() => void>();
let current: Calibration | null = null;

/** Screens differ, also in what the person has zoomed to: a stored value counts for one of them. */
function screenKey(): string {
  const { width, height } = window.screen;
  return `${KEY}.${String(width)}x${String(height)}@${window.devicePixelRatio.toFixed(2)}`;
}

/** Turns what is stored into a calibration; nonsense counts as none. */
export function parseCalibration(stored: string | null): Calibration {
  const pxPerMm = stored === null ? Number.NaN : Number(stored);
  return pxPerMm >= MIN_PX_PER_MM && pxPerMm <= MAX_PX_PER_MM ? { pxPerMm, isCalibrated: true } : NONE;
}

export function calibration(): Calibration {
  if (current === null) {
    try {
      current = parseCalibration(localStorage.getItem(screenKey()));
    } catch {
      current = NONE;
    }
  }
  return current;
}

/** Keeps what the person measured; null forgets it. */
export function calibrate(pxPerMm: number | null): void {
  try {
    if (pxPerMm === null) localStorage.removeItem(screenKey());
    else localStorage.setItem(screenKey(), String(pxPerMm));
  } catch {
    // A browser that keeps nothing is calibrated for this visit.
  }
  current = pxPerMm === null ? NONE : parseCalibration(String(pxPerMm));
  for (const tell of listeners) tell();
}

export function useCalibration(): Calibration {
  return useSyncExternalStore(subscribe, calibration, () => NONE);
}

function subscribe(tell: () => void): () => void {
  // A window that moves to another screen, or is zoomed, has other pixels.
  const look = () => {
    current = null;
    tell();
  };
  listeners.add(tell);
  window.addEventListener('resize', look);
  return () => {
    listeners.delete(tell);
    window.removeEventListener('resize', look);
  };
}
