import { describe, expect, it } from 'vitest';

import type { EcgMeasurementView } from '../api/types';
import { sourcedMeasurements, statedRate } from './measurements';

const said = (value: number, source: string): EcgMeasurementView => ({ value, source, device: null, gateway: null, doctor: null, by: null, at: null });

describe('numbers with their sources', () => {
  it('are the cart\'s alone until the server has answered', () => {
    expect(sourcedMeasurements({ pr_ms: 158 }, null)).toEqual([{ key: 'pr_ms', value: 158, source: 'device' }]);
  });

  it('are what the server says counts', () => {
    const measurements = { pr_ms: said(160, 'doctor'), qrs_ms: said(92, 'gateway'), x: said(1, 'unheard-of') };
    expect(sourcedMeasurements({ pr_ms: 158 }, { measurements }).map(({ key, value, source }) => [key, value, source]))
      .toEqual([['pr_ms', 160, 'doctor'], ['qrs_ms', 92, 'gateway'], ['x', 1, 'gateway']]);
  });

  it('give the RR of a QT: the stated one, else the one of the rate', () => {
    expect(statedRate([{ key: 'heart_rate_bpm', value: 75, source: 'device' }])).toEqual({ rrMs: 800, from: 'device' });
    expect(statedRate([{ key: 'heart_rate_bpm', value: 60, source: 'gateway' }, { key: 'rr_ms', value: 812, source: 'gateway' }]))
      .toEqual({ rrMs: 812, from: 'gateway' });
    expect(statedRate([{ key: 'heart_rate_bpm', value: 75, source: 'device' }, { key: 'rr_ms', value: 812, source: 'gateway' }]))
      .toEqual({ rrMs: 800, from: 'device' });
    expect(statedRate([{ key: 'heart_rate_bpm', value: 0, source: 'device' }])).toBeNull();
  });
});
