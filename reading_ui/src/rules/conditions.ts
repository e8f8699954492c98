/** What a form can ask of a fact: the operators of its type, and a value to begin with. Pure. */
import type { RuleFactView as FactInfo, RuleFormCondition } from '../api/types';

export type Value = string | number | boolean | (string | number)[];

/** The file's own words stand in `value` when the form does not understand a condition. */
export const AS_TEXT = 'text';

export type ValueKind = 'text' | 'number' | 'choice' | 'choices' | 'range' | 'yesno' | 'texts';

const OF_TYPE: Record<string, string[]> = {
  string: ['is', 'is_not', 'one_of', 'none_of', 'contains'],
  int: ['at_least', 'below', 'between', 'is', 'above', 'at_most'],
  double: ['at_least', 'below', 'between', 'above', 'at_most'],
  bool: ['is'],
  'list(string)': ['any_contains', 'any_is'],
};

/** load.waiting["imaging"] is the fact load.waiting with the key imaging. */
export function factAndKey(written: string): [string, string] {
  const found = /^([\w.]+)\["([^"]*)"\]$/u.exec(written);
  return found ? [found[1] ?? '', found[2] ?? ''] : [written, ''];
}

export function withKey(fact: string, key: string): string {
  return key === '' ? fact : `${fact}["${key}"]`;
}

/** Some numbers are names: Saturday is not more than Friday. */
const NAMED_NUMBERS = new Set(['arrival.weekday']);

/** Lists whose items are picked, not searched. */
const NAMED_LISTS = new Set(['arrival.calendars', 'presence.away']);

export function isMap(fact: FactInfo): boolean {
  return fact.type.startsWith('map(');
}

function valueType(fact: FactInfo): string {
  return isMap(fact) ? (/,\s*(\w+)\)$/u.exec(fact.type)?.[1] ?? 'int') : fact.type;
}

export function operatorsOf(fact: FactInfo): string[] {
  if (NAMED_NUMBERS.has(fact.name)) return ['is', 'one_of', 'none_of', 'is_not'];
  const all = OF_TYPE[valueType(fact)] ?? OF_TYPE.string ?? [];
  if (fact.type === 'list(string)' && (fact.choices.length > 0 || NAMED_LISTS.has(fact.name))) return [...all].reverse();
  return fact.choices.length > 0 && fact.type === 'string' ? all.filter((one) => one !== 'contains') : all;
}

/** Any of several texts may be looked for. */
const MANY_TEXTS = new Set(['contains', 'any_contains', 'any_is']);

/** `hasChoices`: the person picks from a list instead of typing. */
export function valueKind(fact: FactInfo, operator: string, hasChoices: boolean): ValueKind {
  if (valueType(fact) === 'bool') return 'yesno';
  if (operator === 'between') return 'range';
  if (operator === 'any_is' && hasChoices) return 'choices';
  if (MANY_TEXTS.has(operator)) return 'texts';
  if (operator === 'one_of' || operator === 'none_of') return hasChoices ? 'choices' : 'texts';
  if (hasChoices && (operator === 'is' || operator === 'is_not' || isNumber(fact))) return 'choice';
  return isNumber(fact) ? 'number' : 'text';
}

export function isNumber(fact: FactInfo): boolean {
  return ['int', 'double'].includes(valueType(fact));
}

/** A value of the right shape when the fact or the operator changes; what fits already is kept. */
export function fittingValue(fact: FactInfo, kind: ValueKind, old: unknown, choices: (string | number)[]): Value {
  const first = choices[0] ?? (isNumber(fact) ? 0 : '');
  switch (kind) {
    case 'yesno':
      return typeof old === 'boolean' ? old : true;
    case 'range': {
      if (Array.isArray(old) && old.length === 2 && old.every((one) => typeof one === 'number')) return old;
      const from = typeof old === 'number' ? old : Number(first);
      return [from, from];
    }
    case 'choices':
    case 'texts': {
      const all = listOf(old);
      return kind === 'texts' ? all : all.filter((one) => choices.includes(one));
    }
    case 'choice': {
      const [one] = listOf(old);
      return one !== undefined && choices.includes(one) ? one : first;
    }
    case 'number': {
      const [one] = listOf(old);
      return typeof one === 'number' ? one : 0;
    }
    default: {
      const [one] = listOf(old);
      return typeof one === 'string' ? one : '';
    }
  }
}

/** One value or several, without what is no value. */
export function listOf(value: unknown): (string | number)[] {
  const all: unknown[] = Array.isArray(value) ? value : [value];
  return all.filter((one): one is string | number => typeof one === 'number' || (typeof one === 'string' && one !== ''));
}

/** Whether the form may be taken as it stands: nothing left open. */
export function isWhole({ value }: RuleFormCondition): boolean {
  if (value === null || value === undefined) return false;
  if (Array.isArray(value)) return value.length > 0 && value.every((one) => one !== '');
  return (typeof value !== 'string' || value.trim() !== '') && !(typeof value === 'number' && Number.isNaN(value));
}
