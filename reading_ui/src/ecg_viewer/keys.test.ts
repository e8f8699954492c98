import { describe, expect, it } from 'vitest';

import { parseCalibration } from './calibration';
import { actionOf, KEYS, stepped } from './keys';
import { LAYOUTS } from './layouts';

const press = { key: 'c', ctrlKey: false, metaKey: false, altKey: false, isComposing: false, defaultPrevented: false };

describe('keys', () => {
  it('mean the same in either case', () => {
    expect(actionOf(press)).toEqual({ do: 'toggle-caliper', kind: 'time' });
    expect(actionOf({ ...press, key: 'C' })).toEqual({ do: 'toggle-caliper', kind: 'time' });
  });

  it('are left to the browser and to the input method', () => {
    for (const held of ['ctrlKey', 'metaKey', 'altKey', 'isComposing', 'defaultPrevented']) {
      expect(actionOf({ ...press, [held]: true })).toBeNull();
    }
    expect(actionOf({ ...press, key: 'y' })).toBeNull();
  });

  it('that the help names all do something', () => {
    const named = Object.values(KEYS).flatMap((keys) => [...keys]).filter((key) => key !== '…');
    for (const key of named) expect(actionOf({ ...press, key: key === 'Esc' ? 'Escape' : key })).not.toBeNull();
    expect(LAYOUTS.every((_, index) => actionOf({ ...press, key: String(index + 1) })?.do === 'layout')).toBe(true);
  });

  it('go on from between two steps', () => {
    expect([stepped([0.5, 1, 2], 0.83, 1), stepped([0.5, 1, 2], 0.83, -1)]).toEqual([1, 0.5]);
  });

  it('step through a list and stop at its ends', () => {
    expect([stepped([5, 10, 20], 10, 1), stepped([5, 10, 20], 20, 1), stepped([5, 10, 20], 5, -1)]).toEqual([20, 20, 5]);
  });
});

describe('a stored calibration', () => {
  it('counts only if it can be one', () => {
    expect(parseCalibration('4.2')).toEqual({ pxPerMm: 4.2, isCalibrated: true });
    for (const stored of [null, '', 'x', '0', '100', '-3']) expect(parseCalibration(stored).isCalibrated).toBe(false);
  });
});
