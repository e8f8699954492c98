import { describe, expect, it } from 'vitest';

import type { RuleFactView, RuleFormCondition } from '../api/types';
import { conditionPhrase, ruleSentence, type Speaking } from './sentences';
import * as words from './words_facts';

const fact = (name: string, type: string, unit = ''): RuleFactView => ({ name, type, unit, zh: `${name} 的话，更多`, en: `words of ${name}, more`, source: '', choices: [], is_measured: false });
const known = {
  facts: [fact('arrival.hour', 'int', 'h'), fact('study.modality', 'string'), fact('ecg.qtc_ms', 'double', 'ms'), fact('own.thing', 'string'), fact('load.waiting', 'map(string, int)')],
  then: [], groups: [], destinations: [], readers: [{ id: 'li', zh: '李医师', en: 'Dr Li' }], sites: [{ id: 'east', zh: '东卫生院', en: 'East' }], needs_approval: false,
};
const groups = [{ id: 'night', name: '夜班', nameEn: 'Night duty' }];
const zh: Speaking = { say: words.zh, language: 'zh', known, groups, calendars: [], priority: { emergency: '急诊' }, bodyPart: { CHEST: '胸部' } };
const en: Speaking = { ...zh, say: words.en, language: 'en', priority: { emergency: 'Emergency' }, bodyPart: {} };
const asked = (name: string, operator: string, value: unknown): RuleFormCondition => ({ fact: name, operator, value });

describe('a rule as a sentence', () => {
  it('says the rule of the night in both languages', () => {
    const rule = { conditions: [asked('arrival.hour', 'at_least', 18), asked('study.modality', 'is', 'DX')], then: { group: 'night', due_minutes: 60, tags: ['夜间'] }, stop: true };
    expect(ruleSentence(rule, zh)).toBe('每天 18:00 以后（到 24:00）到达，并且检查类型是 DR（DX） → 值班组“夜班”，1 小时内出报告，标记 夜间，不再看后面的规则');
    expect(ruleSentence(rule, en)).toBe('arrived after 18:00 (until midnight) on any day and modality is DR (DX) → group "Night duty", report within 1 h, tags 夜间, no rule after this one');
  });

  it('says hours over midnight, weekdays, ages and sites as people do', () => {
    expect(conditionPhrase(asked('arrival.hour', 'between', [20, 8]), zh)).toBe('每天 20:00 到次日 08:00 到达');
    expect(conditionPhrase(asked('arrival.hour', 'below', 8), en)).toBe('arrived before 08:00 (from midnight) on any day');
    expect(conditionPhrase(asked('arrival.weekday', 'one_of', [6, 7]), zh)).toBe('星期六、星期日到达');
    expect(conditionPhrase(asked('patient.age_years', 'below', 14), zh)).toBe('14 岁以下');
    expect(conditionPhrase(asked('site.id', 'one_of', ['east', 'west']), en)).toBe('sending site is East or west');
  });

  it('gives a number its unit, a key its group, and a fact without a short name its declared words', () => {
    expect(conditionPhrase(asked('ecg.qtc_ms', 'above', 500), zh)).toBe('QTc 间期大于 500 毫秒');
    expect(conditionPhrase(asked('load.waiting["night"]', 'above', 10), zh)).toBe('“夜班”的等待阅片数大于 10');
    expect(conditionPhrase(asked('study.kind', 'is', 'ecg'), zh)).toBe('心电图');
    expect(conditionPhrase(asked('arrival.is_holiday', 'is', false), zh)).toBe('不是节假日');
    expect(conditionPhrase(asked('study.quality', 'any_is', ['no_order', 'incomplete']), zh)).toBe('资料的问题有一条是“没有申请单、图像不齐”');
    expect(conditionPhrase(asked('own.thing', 'is', 'x'), en)).toBe('words of own.thing is x');
  });

  it('leaves what it does not understand as it stands, and says when nothing is asked or given', () => {
    expect(conditionPhrase(asked('', 'text', 'size(ecg.statements) > 2'), zh)).toBe('条件 size(ecg.statements) > 2');
    expect(ruleSentence({ conditions: [], then: {}, stop: false }, en)).toBe('every study → (to nobody yet)');
  });
});
