/** A rule as a sentence that a head of department reads aloud. Pure: words and names come in. */
import type { RuleFactView, RuleForm, RuleFormCondition, RuleLanguageView } from '../api/types';
import type { Language } from '../words/language';
import { factAndKey } from './conditions';
import type { Named } from './outline';
import type * as words from './words_facts';

export interface Speaking {
  say: typeof words.zh;
  language: Language;
  known: RuleLanguageView;
  groups: Named[];
  /** Those that the file names. */
  calendars: string[];
  priority: Record<string, string>;
  bodyPart: Record<string, string>;
}

/** One phrase a condition. */
export function conditionPhrase({ fact: written, operator, value }: RuleFormCondition, on: Speaking): string {
  const { say } = on;
  if (written === '') return say.asText(String(value));
  const [name, key] = factAndKey(written);
  const special = SPECIAL[name]?.(operator, value, on);
  if (special != null) return special;
  const label = key === '' ? factLabel(name, on) : say.keyed(factLabel(name, on), groupName(key, on));
  if (typeof value === 'boolean') return (operator === 'is_not') === value ? say.holdsNot(label) : say.holds(label);
  const one = (item: unknown): string => withUnit(name, valueLabel(name, item as string | number, on), on);
  if (operator === 'between' && Array.isArray(value)) {
    const [from, to] = value as [string | number, string | number];
    return Number(from) > Number(to) ? say.outside(label, one(from), one(to)) : say.range(label, one(from), one(to));
  }
  const said = Array.isArray(value) ? value.map(one).join(operator === 'one_of' ? say.or : say.enumerate) : one(value);
  return (say.say[operator] ?? ((a: string, b: string) => `${a} ${operator} ${b}`))(label, said);
}

/** What a rule gives, a phrase each; the place it sends to comes first. */
export function givesPhrases(then: Record<string, unknown>, stop: boolean, on: Speaking): string[] {
  const { say } = on;
  const found: string[] = [];
  const text = (value: unknown): string => String(value);
  const list = (value: unknown): string => (Array.isArray(value) ? value.map(text).join(say.enumerate) : text(value));
  if (then.group != null) found.push(say.gives.group(groupName(text(then.group), on)));
  if (then.reader != null) found.push(say.gives.reader(readerName(text(then.reader), on)));
  if (then.second_reader != null) found.push(say.gives.second_reader(readerName(text(then.second_reader), on)));
  if (then.priority != null) found.push(say.gives.priority(on.priority[text(then.priority)] ?? text(then.priority)));
  if (then.due_minutes != null) found.push(say.gives.due(duration(Number(then.due_minutes), on)));
  if (typeof then.due === 'object' && then.due !== null) {
    found.push(say.gives.stages(Object.entries(then.due).map(([stage, minutes]) => `${say.gives.stage[stage] ?? stage} ${duration(Number(minutes), on)}`).join(say.enumerate)));
  }
  if (then.forwards != null) found.push(say.gives.forwards(list(then.forwards)));
  if (then.tags != null) found.push(say.gives.tags(list(then.tags)));
  const hold = then.hold as { until?: unknown } | undefined;
  if (hold?.until != null) found.push(say.gives.hold(text(hold.until)));
  const overflow = then.overflow as { group?: unknown; after_minutes?: unknown } | undefined;
  if (overflow?.group != null) found.push(say.gives.overflow(groupName(text(overflow.group), on), duration(Number(overflow.after_minutes), on)));
  if (Array.isArray(then.notify)) found.push(say.gives.notify(then.notify.length));
  if (stop) found.push(say.gives.stop);
  return found.length === 0 ? [say.gives.nothing] : found;
}

export function ruleSentence(form: Pick<RuleForm, 'conditions' | 'then' | 'stop'>, on: Speaking): string {
  const when = form.conditions.map((condition) => conditionPhrase(condition, on));
  return `${when.length === 0 ? on.say.all : when.join(on.say.and)} → ${givesPhrases(form.then, form.stop, on).join(on.say.comma)}`;
}

export function factOf(name: string, known: RuleLanguageView): RuleFactView | undefined {
  return known.facts.find((fact) => fact.name === factAndKey(name)[0]);
}

/** A short name; for a fact that has none yet, the beginning of its declared sentence. */
export function factLabel(name: string, { say, known, language }: Speaking): string {
  return say.fact[name] ?? factOf(name, known)?.[language].split(/[,，:：(（;；]/u)[0] ?? name;
}

export function valueLabel(fact: string, value: string | number, on: Speaking): string {
  const text = String(value);
  if (fact === 'arrival.hour') return hour(Number(value));
  if (fact === 'site.id') return on.known.sites.find((site) => site.id === text)?.[on.language] ?? text;
  if (fact === 'study.body_part') return on.bodyPart[text] ?? text;
  if (fact === 'prior.last_reader' || fact === 'presence.away') return readerName(text, on);
  return on.say.value[fact]?.[text] ?? text;
}

export function groupName(id: string, { groups, language }: Speaking): string {
  const found = groups.find((group) => group.id === id);
  if (found === undefined) return id;
  return language === 'en' && found.nameEn !== '' ? found.nameEn : found.name;
}

export function readerName(login: string, on: Speaking): string {
  return on.known.readers.find((reader) => reader.id === login)?.[on.language] ?? groupName(login, on);
}

export function duration(minutes: number, { say }: Speaking): string {
  return minutes >= 60 && minutes % 60 === 0 ? say.hours(minutes / 60) : say.minutes(minutes);
}

export function hour(at: number): string {
  return `${String(at).padStart(2, '0')}:00`;
}

function withUnit(fact: string, value: string, { say, known }: Speaking): string {
  const unit = factOf(fact, known)?.unit ?? '';
  return unit === '' || fact === 'arrival.hour' ? value : `${value} ${say.unit[unit] ?? unit}`;
}

type Special = (operator: string, value: unknown, on: Speaking) => string | null;

/** Times, weekdays and ages have words of their own. */
const SPECIAL: Record<string, Special | undefined> = {
  'arrival.hour': (operator, value, { say }) => {
    if (Array.isArray(value) && operator === 'between') {
      const [from, to] = value.map(Number) as [number, number];
      return from > to ? say.hourOvernight(hour(from), hour(to)) : say.hourBetween(hour(from), hour(to));
    }
    if (typeof value !== 'number') return null;
    if (operator === 'at_least') return say.hourFrom(hour(value));
    if (operator === 'above') return say.hourFrom(hour(value + 1));
    if (operator === 'below') return say.hourBefore(hour(value));
    if (operator === 'at_most') return say.hourBefore(hour(value + 1));
    return operator === 'is' ? say.hourIs(hour(value), hour(value + 1)) : null;
  },
  'arrival.weekday': (operator, value, on) => {
    const days = (Array.isArray(value) ? value : [value]).map((day) => valueLabel('arrival.weekday', day as number, on)).join(on.say.enumerate);
    if (operator === 'is' || operator === 'one_of') return on.say.onDays(days);
    return operator === 'is_not' || operator === 'none_of' ? on.say.notOnDays(days) : null;
  },
  'study.kind': (operator, value, { say }) => (operator === 'is' ? (say.kinds[String(value)] ?? null) : null),
  'patient.age_years': (operator, value, { say }) => {
    if (typeof value !== 'number') return null;
    if (operator === 'below') return say.younger(String(value));
    return operator === 'at_least' ? say.older(String(value)) : null;
  },
};
