import { describe, expect, it } from 'vitest';

import type { EcgHintView } from '../api/types';
import { en, faultText, zh } from './ecg_quality';

const hint = (change: Partial<EcgHintView>): EcgHintView => ({
  kind: 'lead_off', leads: [], value: null, unit: '', is_repeat_advised: true, detail: '', ...change,
});

describe('a fault of a trace in plain words', () => {
  it('names the leads whose electrode is off', () => {
    expect(faultText(hint({ leads: ['V3', 'V4'] }), zh)).toBe('电极脱落：V3、V4');
    expect(faultText(hint({ leads: ['V3'] }), en)).toBe('electrode off: V3');
  });

  it('does not list twelve leads', () => {
    const leads = ['I', 'II', 'III', 'aVR', 'aVL', 'aVF', 'V1', 'V2', 'V3', 'V4', 'V5', 'V6'];
    expect(faultText(hint({ kind: 'mains_hum', leads }), zh)).toBe('交流电干扰：多数导联');
  });

  it('names the electrodes that may be swapped', () => {
    expect(faultText(hint({ kind: 'limb_reversal', leads: ['I'], detail: 'LA/RA' }), zh)).toBe('肢体导联可能接反：左手与右手');
  });

  it('shows a fault that it does not know by its machine word', () => {
    expect(faultText(hint({ kind: 'new_fault' }), zh)).toBe('new_fault');
  });

  it('has a word for every fault in both languages', () => {
    expect(Object.keys(en.fault)).toEqual(Object.keys(zh.fault));
    expect(Object.keys(en.swap)).toEqual(Object.keys(zh.swap));
  });
});
