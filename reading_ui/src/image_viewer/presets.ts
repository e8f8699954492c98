/**
 * Windows: what the device stored, what readers expect on the number keys, and how a drag changes them.
 */
import { type DicomJson, functionalGroup, itemsOf, numberOf, numbersOf } from './attributes';

/** Centre and width in units of the modality, e.g. HU. */
export interface Window {
  center: number;
  width: number;
}

export type PresetName = 'stored' | 'full' | 'soft' | 'lung' | 'bone' | 'brain' | 'liver' | 'narrow' | 'wide' | 'bright' | 'dark';

export interface Preset {
  key: string;
  name: PresetName;
  /** null: depends on the image. */
  window: Window | null;
}

const CT: readonly Preset[] = [
  { key: '1', name: 'soft', window: { center: 40, width: 400 } },
  { key: '2', name: 'lung', window: { center: -600, width: 1500 } },
  { key: '3', name: 'bone', window: { center: 400, width: 1800 } },
  { key: '4', name: 'brain', window: { center: 35, width: 80 } },
  { key: '5', name: 'liver', window: { center: 60, width: 150 } },
  { key: '6', name: 'stored', window: null },
  { key: '7', name: 'full', window: null },
];

const OTHER: readonly Preset[] = (['stored', 'full', 'narrow', 'wide', 'bright', 'dark'] as const).map((name, index) => ({
  key: String(index + 1),
  name,
  window: null,
}));

export function presetsFor(modality: string): readonly Preset[] {
  return modality === 'CT' ? CT : OTHER;
}

/** The window of a preset for an image whose stored window and range of values are known. */
export function windowOf(preset: Preset, stored: Window, range: Window): Window {
  if (preset.window !== null) return preset.window;
  switch (preset.name) {
    case 'full':
      return range;
    case 'narrow':
      return { center: stored.center, width: Math.max(1, stored.width * 0.6) };
    case 'wide':
      return { center: stored.center, width: stored.width * 1.6 };
    case 'bright':
      return { center: stored.center - stored.width * 0.2, width: stored.width };
    case 'dark':
      return { center: stored.center + stored.width * 0.2, width: stored.width };
    default:
      return stored;
  }
}

/** The window that the data set stores, or null. A VOI LUT alone gives the range that it maps. */
export function storedWindow(json: DicomJson, frame = 0): Window | null {
  const voi = functionalGroup(json, frame, '00289132') ?? json;
  const center = numberOf(voi, '00281050');
  const width = numberOf(voi, '00281051');
  if (center !== null && width !== null && width > 0) return { center, width };
  const [count, first] = numbersOf(itemsOf(voi, '00283010')[0] ?? {}, '00283002');
  if (count === undefined || first === undefined) return null;
  const size = count === 0 ? 65536 : count;
  return { center: first + size / 2, width: size };
}

/** The window between two values. */
export function windowBetween(low: number, high: number): Window {
  return { center: (low + high) / 2, width: Math.max(1, high - low) };
}

/** Drag right for a wider window, down for a higher centre; the step follows the width, so every image feels alike. */
export function draggedWindow(window: Window, dx_px: number, dy_px: number, isFine: boolean): Window {
  const step = Math.max(window.width, 16) / (isFine ? 2048 : 256);
  return { center: window.center + dy_px * step, width: Math.max(1, window.width + dx_px * step) };
}

/** As shown and compared by tests: "40/400". */
export function windowText({ center, width }: Window): string {
  return `${String(Math.round(center))}/${String(Math.round(width))}`;
}
