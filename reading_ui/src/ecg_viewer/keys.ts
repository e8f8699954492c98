/**
 * What each key does. Pure; nothing is taken while somebody types or a dialog is open.
 */
import type { LayoutName } from './geometry';

export type Action =
  | { do: 'layout'; layout: LayoutName }
  | { do: 'gain'; step: 1 | -1 }
  | { do: 'speed'; step: 1 | -1 }
  | { do: 'zoom'; step: 1 | -1 | 0 }
  | { do: 'page'; step: 1 | -1 }
  | { do: 'time-caliper' | 'voltage-caliper' | 'march' | 'clear' };

/** Keys as shown in the help, with what they do. */
export const KEYS = {
  layout: ['1', '2', '3'],
  gain: ['[', ']'],
  speed: ['-', '='],
  zoom: ['Z', 'X', '0'],
  page: ['PageUp', 'PageDown'],
  timeCaliper: ['C'],
  voltageCaliper: ['V'],
  march: ['M'],
  clear: ['Esc'],
} as const;

const ACTIONS: Record<string, Action> = {
  '1': { do: 'layout', layout: '3x4' },
  '2': { do: 'layout', layout: '6x2' },
  '3': { do: 'layout', layout: '12x1' },
  '[': { do: 'gain', step: -1 },
  ']': { do: 'gain', step: 1 },
  '-': { do: 'speed', step: -1 },
  '=': { do: 'speed', step: 1 },
  '+': { do: 'speed', step: 1 },
  x: { do: 'zoom', step: 1 },
  z: { do: 'zoom', step: -1 },
  '0': { do: 'zoom', step: 0 },
  pageup: { do: 'page', step: -1 },
  pagedown: { do: 'page', step: 1 },
  c: { do: 'time-caliper' },
  v: { do: 'voltage-caliper' },
  m: { do: 'march' },
  escape: { do: 'clear' },
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

/** The next of a list of steps, staying at the ends. */
export function stepped(values: readonly number[], current: number, step: 1 | -1): number {
  const at = values.indexOf(current);
  return values[Math.min(values.length - 1, Math.max(0, at + step))] ?? current;
}

/** True where the keys belong to what is being written or chosen. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof Element)) return false;
  return target.closest('input, textarea, select, [contenteditable=""], [contenteditable="true"], [role="dialog"]') !== null;
}
