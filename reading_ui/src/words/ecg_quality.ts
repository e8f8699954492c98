/** Technical faults of an ECG trace in plain words, for whoever can take it again. None of them is a finding (K1). */
import type { EcgHintView } from '../api/types';

const MANY_LEADS = 7;

export const zh = {
  repeat: '建议重新采集',
  fault: {
    lead_off: '电极脱落',
    flat_line: '没有信号，电极可能脱落',
    saturation: '信号超出量程',
    mains_hum: '交流电干扰',
    baseline_wander: '基线漂移',
    muscle_noise: '肌电干扰',
    limb_reversal: '肢体导联可能接反',
    einthoven_mismatch: '肢体导联对不上（I + III ≠ II）',
    too_short: '记录太短',
    low_sampling_frequency: '采样率太低',
  } as Record<string, string>,
  swap: {
    'LA/RA': '左手与右手',
    'RA/LA': '左手与右手',
    'RA/LL': '右手与左脚',
    'LA/LL': '左手与左脚',
    'RA/RL': '右手与右脚',
    'LA/RL': '左手与右脚',
  } as Record<string, string>,
  many: '多数导联',
  colon: '：',
  listComma: '、',
  sentenceBreak: '；',
  twice: '请检查电极和导联线，让病人放松后再做一次。',
};

export const en: typeof zh = {
  repeat: 'Please record again',
  fault: {
    lead_off: 'electrode off',
    flat_line: 'no signal, electrode may be off',
    saturation: 'signal beyond the range',
    mains_hum: 'mains hum',
    baseline_wander: 'baseline wander',
    muscle_noise: 'muscle noise',
    limb_reversal: 'limb leads may be swapped',
    einthoven_mismatch: 'limb leads do not agree (I + III ≠ II)',
    too_short: 'recording too short',
    low_sampling_frequency: 'sampling rate too low',
  },
  swap: {
    'LA/RA': 'left and right arm',
    'RA/LA': 'left and right arm',
    'RA/LL': 'right arm and left leg',
    'LA/LL': 'left arm and left leg',
    'RA/RL': 'right arm and right leg',
    'LA/RL': 'left arm and right leg',
  },
  many: 'most leads',
  colon: ': ',
  listComma: ', ',
  sentenceBreak: '; ',
  twice: 'Check electrodes and cables, let the patient relax, then record once more.',
};

/** "电极脱落：V3、V4", "肢体导联可能接反：左手与右手". */
export function faultText(hint: EcgHintView, words: typeof zh): string {
  const fault = words.fault[hint.kind] ?? hint.kind;
  if (hint.detail !== '') return fault + words.colon + (words.swap[hint.detail] ?? hint.detail);
  if (hint.leads.length === 0 || hint.kind === 'einthoven_mismatch') return fault;
  return fault + words.colon + (hint.leads.length >= MANY_LEADS ? words.many : hint.leads.join(words.listComma));
}
