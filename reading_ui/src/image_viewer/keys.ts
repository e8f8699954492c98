/**
 * Which key does what. No key is taken while somebody types, and none together with Ctrl, Alt or Meta.
 */
export type KeyAction =
  | { do: 'preset'; key: string }
  | { do: 'step'; by: number }
  | { do: 'first' | 'last' | 'invert' | 'reset' | 'fit' | 'actual' | 'rotate' | 'unrotate' | 'flipHorizontal' | 'flipVertical' }
  | { do: 'undo' | 'length' | 'window' | 'pan' | 'zoom' | 'zoomIn' | 'zoomOut' | 'help' | 'play' | 'faster' | 'slower' };

export interface KeyPress {
  key: string;
  shiftKey: boolean;
  ctrlKey: boolean;
  altKey: boolean;
  metaKey: boolean;
  isComposing: boolean;
}

const PLAIN: Record<string, KeyAction> = {
  ArrowDown: { do: 'step', by: 1 },
  ArrowRight: { do: 'step', by: 1 },
  ArrowUp: { do: 'step', by: -1 },
  ArrowLeft: { do: 'step', by: -1 },
  PageDown: { do: 'step', by: 10 },
  PageUp: { do: 'step', by: -10 },
  Home: { do: 'first' },
  End: { do: 'last' },
  i: { do: 'invert' },
  r: { do: 'reset' },
  f: { do: 'fit' },
  a: { do: 'actual' },
  ']': { do: 'rotate' },
  '[': { do: 'unrotate' },
  h: { do: 'flipHorizontal' },
  v: { do: 'flipVertical' },
  u: { do: 'undo' },
  Backspace: { do: 'undo' },
  l: { do: 'length' },
  w: { do: 'window' },
  p: { do: 'pan' },
  z: { do: 'zoom' },
  '+': { do: 'zoomIn' },
  '=': { do: 'zoomIn' },
  '-': { do: 'zoomOut' },
  '?': { do: 'help' },
  ' ': { do: 'play' },
  '.': { do: 'faster' },
  ',': { do: 'slower' },
};

export function actionOf(press: KeyPress): KeyAction | null {
  if (press.ctrlKey || press.altKey || press.metaKey || press.isComposing) return null;
  if (/^[1-9]$/.test(press.key)) return { do: 'preset', key: press.key };
  return PLAIN[press.key] ?? PLAIN[press.key.toLowerCase()] ?? null;
}

/** True if the event belongs to a field, a dialog or another control that uses keys itself. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof Element)) return false;
  return target.closest('input, textarea, select, [contenteditable], [role="dialog"], [role="menu"], [role="grid"], [role="separator"]') !== null;
}
