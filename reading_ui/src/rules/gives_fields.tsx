/** What a rule gives. Only what is said is written; the rarer keys wait behind "more". */
import { SelectField, TextField } from '../parts/field';
import { useWords } from '../words';
import { groupName, type Speaking } from './sentences';
import { useRulesWords } from './use_words';
import { parted } from './value_field';

type Then = Record<string, unknown>;

const STAGES = ['arrive', 'claim', 'write', 'return', 'open'] as const;
const RARE = ['due', 'forwards', 'hold', 'overflow', 'notify', 'second_reader'];

interface GivesFieldsProps {
  then: Then;
  on: Speaking;
  /** Only priority and tags may be given then (K3). */
  isMeasured: boolean;
  onChange: (then: Then) => void;
}

export function GivesFields({ then, on, isMeasured, onChange }: GivesFieldsProps) {
  const w = useRulesWords();
  const common = useWords().common;
  const put = (key: string, value: unknown): void => { onChange(withKeyOf(then, key, value)); };
  const readers = on.known.readers;
  const due = record(then.due);
  return (
    <div className="gives-fields">
      {(!isMeasured || then.group != null) && (
        <SelectField label={w.group} value={text(then.group)} onChange={(event) => { put('group', event.target.value); }} data-testid="then-group">
          <option value="">{w.notSaid}</option>
          {on.groups.map(({ id }) => <option key={id} value={id}>{groupName(id, on)}</option>)}
        </SelectField>
      )}
      {(!isMeasured || then.reader != null) && (
        <SelectField label={w.reader} value={text(then.reader)} onChange={(event) => { put('reader', event.target.value); }} data-testid="then-reader">
          <option value="">{w.notSaid}</option>
          <People logins={readers.map(({ id }) => id)} current={text(then.reader)} on={on} />
        </SelectField>
      )}
      <SelectField label={w.priority} value={text(then.priority)} onChange={(event) => { put('priority', event.target.value); }} data-testid="then-priority">
        <option value="">{w.notSaid}</option>
        {['emergency', 'urgent', 'routine'].map((one) => <option key={one} value={one}>{common.priority[one]}</option>)}
      </SelectField>
      {(!isMeasured || then.due_minutes != null) && (
        <TextField label={w.due} placeholder={w.dueHint} type="number" min={1} max={10080} value={text(then.due_minutes)} onChange={(event) => { put('due_minutes', minutes(event.target.value)); }} data-testid="then-due" />
      )}
      <TextField label={w.tags} placeholder={w.tagsHint} defaultValue={words(then.tags)} onChange={(event) => { put('tags', parted(event.target.value)); }} data-testid="then-tags" />
      {!isMeasured && (
        <details className="gives-more" open={RARE.some((key) => then[key] != null)}>
          <summary>{w.more}</summary>
          <div className="gives-fields">
            <SelectField label={w.secondReader} value={text(then.second_reader)} onChange={(event) => { put('second_reader', event.target.value); }}>
              <option value="">{w.notSaid}</option>
              <People logins={readers.map(({ id }) => id)} current={text(then.second_reader)} on={on} groups />
            </SelectField>
            <TextField label={w.hold} placeholder={w.holdHint} pattern="([01][0-9]|2[0-3]):[0-5][0-9]" value={text(record(then.hold).until)} onChange={(event) => { put('hold', event.target.value === '' ? null : { until: event.target.value }); }} />
            <SelectField label={w.overflow} value={text(record(then.overflow).group)} onChange={(event) => { put('overflow', event.target.value === '' ? null : { after_minutes: 30, ...record(then.overflow), group: event.target.value }); }}>
              <option value="">{w.notSaid}</option>
              {on.groups.map(({ id }) => <option key={id} value={id}>{groupName(id, on)}</option>)}
            </SelectField>
            {then.overflow != null && (
              <TextField label={w.overflowAfter} type="number" min={1} value={text(record(then.overflow).after_minutes)} onChange={(event) => { put('overflow', { ...record(then.overflow), after_minutes: minutes(event.target.value) ?? 1 }); }} />
            )}
            {on.known.destinations.length > 0 && (
              <fieldset className="forwards">
                <legend>{w.forwards}</legend>
                {on.known.destinations.map((one) => (
                  <label key={one.id} className="tick">
                    <input type="checkbox" checked={list(then.forwards).includes(one.id)} onChange={(event) => { put('forwards', event.target.checked ? [...list(then.forwards), one.id] : list(then.forwards).filter((id) => id !== one.id)); }} />
                    {one[on.language]}
                  </label>
                ))}
              </fieldset>
            )}
          </div>
          <fieldset className="stages">
            <legend>{w.stages}</legend>
            {STAGES.map((stage) => (
              <TextField key={stage} label={on.say.gives.stage[stage] ?? stage} type="number" min={1} value={text(due[stage])} onChange={(event) => { put('due', withKeyOf(due, stage, minutes(event.target.value))); }} />
            ))}
          </fieldset>
          {Array.isArray(then.notify) && <p className="secondary">{w.notifyKept(then.notify.length)}</p>}
        </details>
      )}
    </div>
  );
}

/** A login that has left stays pickable, so that opening the form changes nothing by itself. */
function People({ logins, current, on, groups = false }: { logins: string[]; current: string; on: Speaking; groups?: boolean }) {
  const ids = [...logins, ...(groups ? on.groups.map(({ id }) => id) : [])];
  const all = current === '' || ids.includes(current) ? ids : [...ids, current];
  return all.map((id) => (
    <option key={id} value={id}>
      {on.known.readers.find((reader) => reader.id === id)?.[on.language] ?? groupName(id, on)}
    </option>
  ));
}

/** A key without a value is not written. */
function withKeyOf(then: Then, key: string, value: unknown): Then {
  const isNothing = value == null || value === '' || (Array.isArray(value) && value.length === 0) || (typeof value === 'object' && Object.keys(value).length === 0);
  if (!isNothing) return { ...then, [key]: value };
  return Object.fromEntries(Object.entries(then).filter(([name]) => name !== key));
}

function minutes(value: string): number | null {
  const count = Number.parseInt(value, 10);
  return Number.isNaN(count) ? null : count;
}

function text(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

function list(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function words(value: unknown): string {
  return list(value).join(', ');
}

function record(value: unknown): Then {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Then) : {};
}
