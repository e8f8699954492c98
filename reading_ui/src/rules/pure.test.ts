import { describe, expect, it } from 'vitest';

import type { RuleFactView, RuleForm } from '../api/types';
import { changedRules, isSaid } from './changed_rules';
import { factAndKey, fittingValue, isWhole, operatorsOf, valueKind, withKey } from './conditions';
import { layOut } from './flow_layout';
import { shade, short } from './heat_map';
import { keepDraft, keptDraft } from './kept_draft';
import { placeOfNew } from './new_place';
import { fallbackOf } from './outline';
import { changeBetween, offsetOf, wordAround } from './places';
import { halfOf } from './rules_problem';
import { diffLines, hunksOf } from './text_diff';
import { parted } from './value_field';

const fact = (name: string, type: string, choices: string[] = []): RuleFactView => ({ name, type, unit: '', zh: '', en: '', source: '', choices, is_measured: false });

describe('places in a text', () => {
  const text = 'ab\n影像 😀x\n';

  it('counts lines and columns from 1, a character outside the first plane once', () => {
    expect(offsetOf(text, 1, 1)).toBe(0);
    expect(offsetOf(text, 2, 3)).toBe(5);
    expect(text.slice(offsetOf(text, 2, 5))).toBe('x\n');
  });

  it('stays inside the text when the place lies beyond it', () => {
    expect(offsetOf(text, 1, 99)).toBe(2);
    expect(offsetOf(text, 99, 1)).toBe(text.length);
  });

  it('underlines the name at a place, and something at the end of a line', () => {
    expect(wordAround('- study.modalty == "DX"', 2)).toEqual([2, 15]);
    expect(wordAround('ab\ncd', 2)).toEqual([1, 2]);
    expect(wordAround('\ncd', 0)).toEqual([0, 0]);
  });

  it('finds the smallest change between two texts, also of a repeated letter', () => {
    for (const [before, after] of [['abc', 'abXc'], ['aaa', 'aa'], ['', 'x'], ['hour >= 23', 'hour >= 18'], ['x', 'x']] as const) {
      const change = changeBetween(before, after);
      expect(change === null ? before : before.slice(0, change.from) + change.insert + before.slice(change.to)).toBe(after);
    }
    expect(changeBetween('hour >= 23\nx', 'hour >= 18\nx')).toEqual({ from: 8, to: 10, insert: '18' });
  });
});

describe('two texts line by line', () => {
  it('gives back both texts from what it says', () => {
    const before = 'a\nb\nc\nd\ne\nf\ng\nh\ni';
    const after = 'a\nB\nc\nd\ne\nf\ng\nnew\nh\ni';
    const lines = diffLines(before, after);
    expect(lines.filter((line) => line.kind !== 'new').map((line) => line.text).join('\n')).toBe(before);
    expect(lines.filter((line) => line.kind !== 'gone').map((line) => line.text).join('\n')).toBe(after);
    expect(lines.filter((line) => line.kind === 'new').map((line) => line.after)).toEqual([2, 8]);
    expect(lines.at(-1)).toEqual({ kind: 'same', text: 'i', before: 9, after: 10 });
  });

  it('shows what is near a change, and a gap for the rest', () => {
    const before = Array.from({ length: 30 }, (_, at) => String(at)).join('\n');
    const shown = hunksOf(diffLines(before, before.replace('\n15\n', '\nx\n')), 1);
    expect(shown.map((line) => line?.text ?? '…')).toEqual(['…', '14', '15', 'x', '16', '…']);
    expect(hunksOf(diffLines(before, before))).toEqual([]);
  });
});

describe('a condition as a form', () => {
  it('offers what the type of a fact can be asked', () => {
    expect(operatorsOf(fact('study.kind', 'string', ['image']))).toEqual(['is', 'is_not', 'one_of', 'none_of']);
    expect(operatorsOf(fact('arrival.weekday', 'int'))).not.toContain('at_least');
    expect(operatorsOf(fact('load.waiting', 'map(string, int)'))).toContain('above');
    expect(valueKind(fact('arrival.hour', 'int'), 'at_least', true)).toBe('choice');
    expect(valueKind(fact('arrival.is_holiday', 'bool'), 'is', false)).toBe('yesno');
  });

  it('keeps a value that still fits when operator or fact change, and takes another where it does not', () => {
    const hour = fact('arrival.hour', 'int');
    expect(fittingValue(hour, 'range', 20, [0, 20])).toEqual([20, 20]);
    expect(fittingValue(hour, 'choice', [20, 8], [0, 8, 20])).toBe(20);
    expect(fittingValue(fact('study.kind', 'string'), 'choices', 'ecg', ['image', 'ecg'])).toEqual(['ecg']);
    expect(fittingValue(fact('study.kind', 'string'), 'choice', 'DX', ['image', 'ecg'])).toBe('image');
    expect(fittingValue(fact('ecg.qtc_ms', 'double'), 'number', 'x', [])).toBe(0);
  });

  it('is whole only when nothing is left open', () => {
    const asked = (value: unknown) => isWhole({ fact: 'a', operator: 'is', value });
    expect([asked(''), asked([]), asked(null), asked(Number.NaN), asked('  '), asked([''])]).toEqual([false, false, false, false, false, false]);
    expect([asked('x'), asked(0), asked(false), asked([1])]).toEqual([true, true, true, true]);
  });

  it('parts a fact with a key, and lists written with either comma', () => {
    expect(factAndKey(withKey('load.waiting', 'night'))).toEqual(['load.waiting', 'night']);
    expect(factAndKey('study.kind')).toEqual(['study.kind', '']);
    expect(parted('夜间，胸痛、 x, ')).toEqual(['夜间', '胸痛', 'x']);
  });
});

describe('pictures of a simulation', () => {
  it('gives bands their share of the height and stacks them without overlap', () => {
    const picture = layOut([{ from: 'a', to: 'x', studies: 75 }, { from: 'a', to: 'y', studies: 20 }, { from: 'b', to: 'y', studies: 5 }], 200);
    expect(picture.bands.map((band) => Math.round(band.height))).toEqual([150, 40, 10]);
    expect(picture.bands[1]?.y0).toBe(150);
    expect(picture.left.map((node) => [node.name, node.studies])).toEqual([['a', 95], ['b', 5]]);
    expect(picture.right[1]?.y).toBeGreaterThanOrEqual((picture.right[0]?.y ?? 0) + (picture.right[0]?.height ?? 0));
    expect(layOut([], 200)).toEqual({ left: [], right: [], bands: [], height: 0 });
  });

  it('shades by the busiest hour and writes numbers that fit a cell', () => {
    expect([shade(0, 10), shade(0.1, 10), shade(5, 10), shade(10, 10), shade(1, 0)]).toEqual([0, 1, 3, 5, 0]);
    expect([short(0), short(0.04), short(2.34), short(9.96), short(123.4)]).toEqual(['', '·', '2.3', '10', '123']);
  });
});

describe('a draft kept in the browser', () => {
  it('comes back for its own person alone, and goes when it is in force', () => {
    const kept = new Map<string, string>();
    const store = { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => { kept.set(key, value); }, removeItem: (key: string) => { kept.delete(key); } };
    const draft = { source: 'rules: []', base: 3, at: '2026-11-22T10:00:00Z' };
    expect(keepDraft('head', draft, store)).toBe(true);
    expect(keptDraft('head', store)).toEqual(draft);
    expect(keptDraft('deputy', store)).toBeNull();
    keepDraft('head', null, store);
    expect(keptDraft('head', store)).toBeNull();
  });

  it('takes what it cannot read for nothing, and says when the browser keeps nothing', () => {
    expect(keptDraft('head', { getItem: () => '{' })).toBeNull();
    expect(keptDraft('head', { getItem: () => '{"source": 1}' })).toBeNull();
    expect(keepDraft('head', { source: '', base: 0, at: '' }, { setItem: () => { throw new Error('full'); }, removeItem: () => undefined })).toBe(false);
  });
});

it('finds the fallback group, however it is written', () => {
  expect(fallbackOf('fallback:\n  priority: urgent\n  group: inbox\nrules: []')).toBe('inbox');
  expect(fallbackOf('fallback: {priority: urgent, group: inbox}\n')).toBe('inbox');
  expect(fallbackOf('title: x\nrules:\n  - then:\n      group: other\n')).toBe('');
});

it('tells which rules read differently, and leaves to the file’s words only what sentences do not say', () => {
  const form = (name: string, group: string): RuleForm => ({ name, conditions: [], then: { group }, stop: false, index: 0, line: 1, understood: true, texts: [] });
  const reads = (one: RuleForm): string => String(one.then.group);
  const changed = changedRules([form('a', 'x'), form('b', 'x'), form('c', 'x')], [form('b', 'x'), form('a', 'y'), form('d', 'z')], reads);
  expect(changed.map((one) => [one.name, one.before?.then.group ?? null, one.after?.then.group ?? null])).toEqual([['a', 'x', 'y'], ['d', null, 'z'], ['c', 'x', null]]);
  expect(isSaid({ kind: 'gives-changed', subject: 'a' }, changed)).toBe(true);
  expect(isSaid({ kind: 'gives-changed', subject: 'b' }, changed)).toBe(false);
  expect(isSaid({ kind: 'rule-moved', subject: 'a' }, changed)).toBe(false);
});

it('takes the half of a refusal that the screen speaks, with its place', () => {
  expect(halfOf('3:7: 没有这个组 / there is no such group', 'zh')).toBe('3:7: 没有这个组');
  expect(halfOf('3:7: 没有这个组 / there is no such group', 'en')).toBe('3:7: there is no such group');
  expect(halfOf('plain', 'en')).toBe('plain');
});

it('puts a new rule before the general ones at the end, which would have every study first', () => {
  const rule = (conditions: number, then: Record<string, unknown>) => ({ conditions: Array.from({ length: conditions }, () => ({ fact: 'a', operator: 'is', value: 1 })), then });
  expect(placeOfNew([rule(2, { group: 'x' }), rule(1, { tags: ['t'] }), rule(1, { group: 'ecg' }), rule(1, { group: 'imaging' })])).toBe(2);
  expect(placeOfNew([rule(1, { group: 'x' }), rule(2, { group: 'y' })])).toBe(2);
  expect(placeOfNew([])).toBe(0);
});
