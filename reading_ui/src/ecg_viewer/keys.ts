/**
 * What each key does. Pure; nothing is taken while somebody types or a dialog is open.
 */
import type { CaliperKind } from './calipers';

export type Action =
  | { do: 'layout'; index: number }
  | { do: 'gain' | 'speed' | 'page'; step: 1 | -1 }
  | { do: 'zoom'; step: 1 | -1 | 0 }
  | { do: 'move'; seconds: number }
  | { do: 'ends'; to: 'first' | 'last' }
  | { do: 'toggle-caliper' | 'take-caliper'; kind: CaliperKind }
  | { do: 'cabrera' | 'chest-half' | 'rhythm' | 'fit' | 'whole' | 'low-cut' | 'high-cut' | 'notch' | 'raw' | 'march' | 'clear' | 'lens' | 'print' | 'panel' | 'beats' | 'serial' | 'swap' };

/** Keys as shown in the help; their meaning has the same name in words.ts. */
export const KEYS = {
  layout: ['1', '…', '8'],
  cabrera: ['K'],
  rhythm: ['R'],
  gain: ['[', ']'],
  chestHalf: ['H'],
  speed: ['-', '='],
  zoom: ['Z', 'X'],
  trueSize: ['0'],
  fit: ['F'],
  whole: ['W'],
  lens: ['L'],
  filters: [',', '.', 'N'],
  raw: ['U'],
  timeCaliper: ['C'],
  voltageCaliper: ['V'],
  qtCaliper: ['Q'],
  march: ['M'],
  clear: ['Esc'],
  page: ['PageUp', 'PageDown'],
  ends: ['Home', 'End'],
  panel: ['I'],
  beats: ['B'],
  serial: ['S'],
  swap: ['E'],
  print: ['P'],
} as const;

const ACTIONS: Record<string, Action> = {
  '[': { do: 'gain', step: -1 },
  ']': { do: 'gain', step: 1 },
  '-': { do: 'speed', step: -1 },
  '=': { do: 'speed', step: 1 },
  '+': { do: 'speed', step: 1 },
  k: { do: 'cabrera' },
  h: { do: 'chest-half' },
  r: { do: 'rhythm' },
  x: { do: 'zoom', step: 1 },
  z: { do: 'zoom', step: -1 },
  '0': { do: 'zoom', step: 0 },
  f: { do: 'fit' },
  w: { do: 'whole' },
  l: { do: 'lens' },
  ',': { do: 'low-cut' },
  '.': { do: 'high-cut' },
  n: { do: 'notch' },
  u: { do: 'raw' },
  pageup: { do: 'page', step: -1 },
  pagedown: { do: 'page', step: 1 },
  home: { do: 'ends', to: 'first' },
  end: { do: 'ends', to: 'last' },
  c: { do: 'toggle-caliper', kind: 'time' },
  v: { do: 'toggle-caliper', kind: 'voltage' },
  q: { do: 'toggle-caliper', kind: 'qt' },
  m: { do: 'march' },
  i: { do: 'panel' },
  b: { do: 'beats' },
  s: { do: 'serial' },
  e: { do: 'swap' },
  p: { do: 'print' },
  escape: { do: 'clear' },
  ...Object.fromEntries(Array.from({ length: 8 }, (_, index) => [String(index + 1), { do: 'layout', index }])),
};

interface Press {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  isComposing: boolean;
  defaultPrevented: boolean;
}

export function actionOf(press: Press): Action | null {
  if (press.ctrlKey || press.metaKey || press.altKey || press.isComposing || press.defaultPrevented) return null;
  return ACTIONS[press.key.toLowerCase()] ?? null;
}

/** The next of a list of steps, staying at the ends; a value between two steps goes to its neighbour. */
export function stepped(values: readonly number[], current: number, step: 1 | -1): number {
  const beyond = values.filter((value) => (step > 0 ? value > current + 1e-9 : value < current - 1e-9));
  return (step > 0 ? beyond[0] : beyond.at(-1)) ?? current;
}

/** True where the keys belong to what is being written or chosen. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof Element)) return false;
  return target.closest('input, textarea, select, [contenteditable=""], [contenteditable="true"], [role="dialog"]') !== null;
}
