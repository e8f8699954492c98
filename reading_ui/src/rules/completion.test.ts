import { describe, expect, it } from 'vitest';

import type { RuleFactView, RuleLanguageView } from '../api/types';
import { suggestionsAt } from './completion';

const fact = (name: string, type: string, zh: string, choices: string[] = []): RuleFactView => ({ name, type, unit: '', zh, en: name, source: '', choices, is_measured: false });
const known: RuleLanguageView = {
  facts: [fact('study.kind', 'string', '影像还是心电', ['image', 'ecg']), fact('study.modality', 'string', '设备类型'), fact('patient.age_years', 'double', '患者年龄(岁)'), fact('site.id', 'string', '送检单位'), fact('ecg.statements', 'list(string)', '语句')],
  then: [{ key: 'group', zh: '值班组', en: 'duty group' }, { key: 'priority', zh: '优先级', en: 'priority' }],
  sites: [{ id: 'east', zh: '东卫生院', en: 'East' }],
  groups: [],
  destinations: [{ id: 'east-orthanc', zh: '东院节点', en: 'East node' }],
  readers: [{ id: 'li', zh: '李医师', en: 'Dr Li' }],
  needs_approval: false,
};
const HEAD = 'format: 1\ntitle: t\ngroups:\n  night:\n    name: 夜班\n    members: [li]\nrules:\n  - name: a\n    when:\n      - ';

function labels(typed: string, head = HEAD): string[] {
  const text = head + typed;
  return suggestionsAt(text, text.length, known, 'zh')?.options.map((one) => one.label) ?? [];
}

describe('what could stand at the cursor', () => {
  it('offers facts by name and by their Chinese sentence', () => {
    expect(labels('study')).toEqual(['study.kind', 'study.modality']);
    expect(labels('年龄')).toEqual(['patient.age_years']);
    expect(labels('mod')).toEqual(['study.modality']);
  });

  it('offers the values of the fact that is compared, quoted or not', () => {
    expect(labels('study.kind == ').slice(0, 2)).toEqual(['"image"', '"ecg"']);
    expect(labels('study.kind == "')).toEqual(['image', 'ecg']);
    expect(labels('site.id in ["')).toEqual(['east']);
    expect(labels('site.id in ["east", "')).toEqual(['east']);
    expect(labels('load.waiting["')).toEqual(['night']);
  });

  it('offers what can be asked of a list', () => {
    expect(labels('ecg.statements.ex')).toEqual(['ecg.statements.exists(s, s.contains("…"))']);
  });

  it('offers keys, groups, people, destinations and tags where they belong', () => {
    const then = 'x\n    then:\n      ';
    expect(labels(`${then}pri`)).toEqual(['priority']);
    expect(labels(`${then}group: `)).toEqual(['night']);
    expect(labels(`${then}reader: `)).toEqual(['li']);
    expect(labels(`${then}forwards: [`)).toEqual(['east-orthanc']);
    expect(labels(`${then}priority: u`)).toEqual(['urgent', 'routine']);
    expect(labels(`${then}tags: [夜间]\n      tags: [`)).toEqual(['夜间']);
    expect(labels('    sto', `${HEAD}x\n`)).toEqual(['stop']);
    expect(labels('fal', 'format: 1\n')).toEqual(['fallback']);
  });

  it('speaks unasked once something is typed or a value is opened, not behind a closed one', () => {
    const isBegun = (typed: string) => suggestionsAt(HEAD + typed, HEAD.length + typed.length, known, 'zh')?.isBegun;
    expect([isBegun(''), isBegun('stu'), isBegun('study.kind == "'), isBegun('study.kind == "ecg"')]).toEqual([false, true, true, false]);
  });

  it('says nothing where nothing fits, and where to put what is chosen', () => {
    expect(labels('title: ', '')).toEqual([]);
    expect(labels('qqq')).toEqual([]);
    expect(suggestionsAt(`${HEAD}study.mo`, HEAD.length + 8, known, 'zh')?.from).toBe(HEAD.length);
  });
});
