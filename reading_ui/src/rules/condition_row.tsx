/** One condition: which fact, compared how, with what. A condition that the form does not know stands as text. */
import type { RuleFactView, RuleFormCondition } from '../api/types';
import { AS_TEXT, factAndKey, fittingValue, isMap, isNumber, operatorsOf, type Value, valueKind, withKey } from './conditions';
import { factLabel, factOf, valueLabel, type Speaking } from './sentences';
import { useRulesWords } from './use_words';
import { ValueField } from './value_field';

interface ConditionRowProps {
  number: number;
  condition: RuleFormCondition;
  on: Speaking;
  onChange: (condition: RuleFormCondition) => void;
  onRemove: () => void;
}

export function ConditionRow({ number, condition, on, onChange, onRemove }: ConditionRowProps) {
  const w = useRulesWords();
  const [name, key] = factAndKey(condition.fact);
  const fact = factOf(condition.fact, on.known);
  const remove = (
    <button type="button" className="button bare" aria-label={w.removeCondition(number)} title={w.removeCondition(number)} onClick={onRemove} data-testid="condition-remove">
      ✕
    </button>
  );
  if (fact === undefined) {
    return (
      <div className="condition-row as-text" role="group" aria-label={w.condition(number)} data-testid="condition-row">
        <label>
          <span className="secondary">{w.asText} · {w.asTextHint}</span>
          <input className="control mono" value={String(condition.value)} onChange={(event) => { onChange({ fact: '', operator: AS_TEXT, value: event.target.value }); }} data-testid="condition-text" />
        </label>
        {remove}
      </div>
    );
  }
  const choices = choicesOf(fact, condition.value, on);
  const change = (next: RuleFactView, operator: string, withName: string, old: unknown): void => {
    const kind = valueKind(next, operator, choicesOf(next, null, on).length > 0);
    onChange({ fact: withName, operator, value: single(operator, fittingValue(next, kind, old, choicesOf(next, null, on))) });
  };
  const pick = (picked: string): void => {
    const next = factOf(picked, on.known);
    if (next === undefined) return;
    const operators = operatorsOf(next);
    const operator = operators.includes(condition.operator) && next.type === fact.type ? condition.operator : (operators[0] ?? 'is');
    change(next, operator, withKey(picked, isMap(next) ? (on.groups[0]?.id ?? '') : ''), null);
  };
  const isHour = name === 'arrival.hour';
  return (
    <div className="condition-row" role="group" aria-label={w.condition(number)} data-testid="condition-row">
      <select className="control" aria-label={w.fact} value={name} onChange={(event) => { pick(event.target.value); }} data-testid="condition-fact">
        {sections(on).map(([section, facts]) => (
          <optgroup key={section} label={on.say.groups[section] ?? section}>
            {facts.map((one) => (
              <option key={one.name} value={one.name} title={one[on.language]}>
                {factLabel(one.name, on)}
              </option>
            ))}
          </optgroup>
        ))}
      </select>
      {isMap(fact) && (
        <select className="control" aria-label={w.ofGroup} value={key} onChange={(event) => { onChange({ ...condition, fact: withKey(name, event.target.value) }); }}>
          {on.groups.map((group) => (
            <option key={group.id} value={group.id}>
              {on.language === 'en' && group.nameEn !== '' ? group.nameEn : group.name}
            </option>
          ))}
        </select>
      )}
      <select className="control" aria-label={w.operator} value={condition.operator} onChange={(event) => { change(fact, event.target.value, condition.fact, condition.value); }} data-testid="condition-operator">
        {operatorsWith(fact, condition.operator).map((operator) => (
          <option key={operator} value={operator}>
            {(isHour ? on.say.hourOperator[operator] : undefined) ?? on.say.operator[operator] ?? operator}
          </option>
        ))}
      </select>
      <ValueField
        kind={valueKind(fact, condition.operator, choices.length > 0)}
        value={condition.value as Value | null}
        choices={choices.map((choice) => [choice, valueLabel(name, choice, on)])}
        unit={on.say.unit[fact.unit] ?? fact.unit}
        isWholeNumber={fact.type !== 'double'}
        onChange={(value) => { onChange({ ...condition, value: single(condition.operator, value) }); }}
      />
      {remove}
    </div>
  );
}

/** Looking for one text is written as one text. */
function single(operator: string, value: Value): Value {
  const isList = operator === 'one_of' || operator === 'none_of' || operator === 'between';
  return !isList && Array.isArray(value) && value.length === 1 ? (value[0] ?? '') : value;
}

function operatorsWith(fact: RuleFactView, current: string): string[] {
  const all = operatorsOf(fact);
  return all.includes(current) ? all : [...all, current];
}

/** What can be picked instead of typed. A value that the file already has is always among them. */
function choicesOf(fact: RuleFactView, value: unknown, on: Speaking): (string | number)[] {
  const known = pickable(fact, on);
  if (known.length === 0) return [];
  const have = (Array.isArray(value) ? value : [value]).filter((one): one is string | number => typeof one === 'string' || typeof one === 'number');
  return [...known, ...have.filter((one) => one !== '' && !known.includes(one))];
}

function pickable(fact: RuleFactView, on: Speaking): (string | number)[] {
  if (fact.name === 'arrival.hour') return Array.from({ length: 24 }, (_, at) => at);
  if (fact.name === 'arrival.weekday') return [1, 2, 3, 4, 5, 6, 7];
  if (fact.name === 'site.tier') return [1, 2, 3, 4, 5];
  if (isNumber(fact) || fact.type === 'bool') return [];
  if (fact.choices.length > 0) return fact.choices;
  if (fact.name === 'site.id') return on.known.sites.map((site) => site.id);
  if (fact.name === 'arrival.calendars') return on.calendars;
  if (fact.name === 'prior.last_reader' || fact.name === 'presence.away') return on.known.readers.map((reader) => reader.id);
  if (fact.name === 'study.modality') return Object.keys(on.say.value['study.modality'] ?? {});
  return fact.name === 'study.body_part' ? Object.keys(on.bodyPart) : [];
}

function sections(on: Speaking): [string, RuleFactView[]][] {
  const found = new Map<string, RuleFactView[]>();
  for (const fact of on.known.facts) {
    const section = fact.name.split('.')[0] ?? '';
    found.set(section, [...(found.get(section) ?? []), fact]);
  }
  const order = Object.keys(on.say.groups);
  const place = (section: string): number => (order.includes(section) ? order.indexOf(section) : order.length);
  return [...found].sort(([a], [b]) => place(a) - place(b));
}
