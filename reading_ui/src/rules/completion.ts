/** What could be typed where the cursor stands. Pure: the editor only shows it. */
import type { RuleFactView as FactInfo, RuleLanguageView as RuleLanguage } from '../api/types';
import type { Language } from '../words/language';
import { groupsOf, spotAt, tagsOf } from './outline';


export interface Suggestion {
  label: string;
  /** Said beside it, in the language of the screen. */
  detail: string;
  /** Put into the text; the label when it is missing. */
  insert?: string;
  kind: 'fact' | 'key' | 'value' | 'call';
}

export interface Suggestions {
  /** Where in the text what has been typed so far begins. */
  from: number;
  /** Something is typed, or the quote of a value has just been opened: worth showing without being asked. */
  isBegun: boolean;
  options: Suggestion[];
}

const KEYS: Record<string, string[]> = {
  '': ['format', 'title', 'groups', 'fallback', 'rules', 'calendars'],
  'rules/[]': ['name', 'when', 'then', 'stop'],
  fallback: ['group', 'priority'],
  'groups/*': ['name', 'name_en', 'members', 'hours', 'cover', 'assign', 'head', 'reoffer_minutes'],
  'groups/*/hours/[]': ['days', 'from', 'to', 'members'],
  'rules/[]/then/due': ['arrive', 'claim', 'write', 'review', 'return', 'open'],
  'rules/[]/then/hold': ['until'],
  'rules/[]/then/overflow': ['group', 'after_minutes'],
  'rules/[]/then/notify/[]': ['who', 'when'],
};

const CALLS: Record<string, [string, string][]> = {
  string: [['contains("…")', 'contains("'], ['startsWith("…")', 'startsWith("'], ['matches("…")', 'matches("']],
  'list(string)': [['exists(s, s.contains("…"))', 'exists(s, s.contains("'], ['size()', 'size()']],
};

const WORDS: Record<string, string[]> = {
  priority: ['routine', 'urgent', 'emergency'],
  days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'],
  stop: ['true'],
  assign: ['pool', 'least-loaded'],
  who: ['clinic', 'group', 'reader', 'head'],
  when: ['routed', 'nudge', 'breach'],
};

const LOGINS = new Set(['reader', 'second_reader', 'members', 'head']);
const TYPED = /[\w.\u3400-\u9fff-]*$/u;

export function suggestionsAt(text: string, offset: number, known: RuleLanguage, language: Language): Suggestions | null {
  const spot = spotAt(text, offset);
  const typed = TYPED.exec(spot.before)?.[0] ?? '';
  const all =
    spot.kind === 'condition'
      ? inCondition(spot.before.slice(0, spot.before.length - typed.length), typed, text, known, language)
      : spot.kind === 'key'
        ? keysOf(spot.path, known, language)
        : valuesOf(spot.path, text, known, language);
  const options = fitting(all, typed);
  const isBegun = typed !== '' || (spot.kind === 'condition' && isInQuotes(spot.before));
  return options.length === 0 ? null : { from: offset - typed.length, isBegun, options };
}

/** Every way to say it counts: the machine's name and the sentence, so that 年龄 finds patient.age_years. */
function fitting(all: Suggestion[], typed: string): Suggestion[] {
  const wanted = typed.toLowerCase();
  const rank = (one: Suggestion): number => {
    const label = one.label.toLowerCase().replace(/^"/u, '');
    if (label.startsWith(wanted)) return 0;
    if (label.includes(wanted)) return 1;
    return one.detail.toLowerCase().includes(wanted) ? 2 : 3;
  };
  return all
    .map((one) => [rank(one), one] as const)
    .filter(([place]) => place < 3)
    .sort(([a], [b]) => a - b)
    .map(([, one]) => one);
}

function keysOf(path: string[], known: RuleLanguage, language: Language): Suggestion[] {
  const here = path.join('/');
  if (here === 'rules/[]/then') return known.then.map(({ key, ...said }) => ({ label: key, detail: said[language], insert: `${key}: `, kind: 'key' }));
  const pattern = path[0] === 'groups' && path.length > 1 ? ['groups', '*', ...path.slice(2)].join('/') : here;
  return (KEYS[pattern] ?? []).map((key) => ({ label: key, detail: '', insert: `${key}: `, kind: 'key' }));
}

function valuesOf(path: string[], text: string, known: RuleLanguage, language: Language): Suggestion[] {
  const key = path.at(-1) === '[]' ? (path.at(-2) ?? '') : (path.at(-1) ?? '');
  const isTop = path.length < 2;
  if (isTop) return [];
  if (key === 'group' || key === 'cover') return groups(text, language);
  if (LOGINS.has(key)) return [...known.readers.map((one): Suggestion => ({ label: one.id, detail: one[language], kind: 'value' })), ...(key === 'second_reader' ? groups(text, language) : [])];
  if (key === 'forwards') return known.destinations.map((one) => ({ label: one.id, detail: one[language] === one.id ? '' : one[language], kind: 'value' }));
  if (key === 'tags') return tagsOf(text).map((tag) => ({ label: tag, detail: '', kind: 'value' }));
  return (WORDS[key] ?? []).map((word) => ({ label: word, detail: '', kind: 'value' }));
}

function groups(text: string, language: Language): Suggestion[] {
  return groupsOf(text).map(({ id, name, nameEn }) => ({ label: id, detail: language === 'en' && nameEn !== '' ? nameEn : name, kind: 'value' }));
}

function inCondition(before: string, typed: string, text: string, known: RuleLanguage, language: Language): Suggestion[] {
  const isInText = isInQuotes(before);
  const compared = /([a-z_][\w.]*)\s*(?:[=!]=\s*|in\s*\[[^\]]*?)"?$/u.exec(before)?.[1];
  const asked = compared === undefined ? undefined : known.facts.find((fact) => fact.name === compared);
  if (isInText) {
    if (/load\.waiting\["$|presence\.on_duty\["$/u.test(before)) return groups(text, language);
    return asked === undefined ? [] : valuesOfFact(asked, known, language).map(([value, detail]) => ({ label: value, detail, kind: 'value' }));
  }
  const values = asked === undefined ? [] : valuesOfFact(asked, known, language).map(([value, detail]): Suggestion => ({ label: `"${value}"`, detail, kind: 'value' }));
  const owner = known.facts.find((fact) => typed.startsWith(`${fact.name}.`));
  const calls = owner === undefined ? [] : (CALLS[owner.type] ?? []).map(([label, insert]): Suggestion => ({ label: `${owner.name}.${label}`, detail: '', insert: `${owner.name}.${insert}`, kind: 'call' }));
  return [...values, ...calls, ...known.facts.map((fact): Suggestion => ({ label: fact.name, detail: sentenceOf(fact, language), kind: 'fact' }))];
}

function isInQuotes(before: string): boolean {
  return (before.replace(/\\./gu, '').match(/"/gu)?.length ?? 0) % 2 === 1;
}

/** [value, what it means] that a fact of the text type can be. */
function valuesOfFact(fact: FactInfo, known: RuleLanguage, language: Language): [string, string][] {
  if (fact.name === 'site.id') return known.sites.map((one) => [one.id, one[language]]);
  return fact.choices.map((choice) => [choice, '']);
}

function sentenceOf(fact: FactInfo, language: Language): string {
  return fact.unit === '' ? fact[language] : `${fact[language]} (${fact.unit})`;
}
