import { describe, expect, it } from 'vitest';

import { parseCalibration } from './calibration';
import { actionOf, stepped } from './keys';

const press = { key: 'c', ctrlKey: false, metaKey: false, altKey: false, isComposing: false, defaultPrevented: false };

describe('keys', () => {
  it('mean the same in either case', () => {
    expect(actionOf(press)).toEqual({ do: 'time-caliper' });
    expect(actionOf({ ...press, key: 'C' })).toEqual({ do: 'time-caliper' });
  });

  it('are left to the browser and to the input method', () => {
    for (const held of ['ctrlKey', 'metaKey', 'altKey', 'isComposing', 'defaultPrevented']) {
      expect(actionOf({ ...press, [held]: true })).toBeNull();
    }
    expect(actionOf({ ...press, key: 'q' })).toBeNull();
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
