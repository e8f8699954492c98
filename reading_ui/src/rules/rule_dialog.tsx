/** One rule as a form that writes the same file. What it reads as stands on top, so that nobody needs to know YAML. */
import { useState } from 'react';

import { rules as api } from '../api/rules';
import type { RuleForm, RuleFormCondition, RuleProblemView } from '../api/types';
import { useAction } from '../app/resource';
import { AppDialog } from '../parts/dialog';
import { CheckField, SelectField, TextField } from '../parts/field';
import { Note } from '../parts/notes';
import { useWords } from '../words';
import { useLanguage } from '../words/language';
import { ConditionRow } from './condition_row';
import { isWhole } from './conditions';
import { placeOfNew } from './new_place';
import { GivesFields } from './gives_fields';
import { RulesProblem } from './rules_problem';
import { factOf, ruleSentence, type Speaking } from './sentences';
import type { Rules } from './use_rules';
import { useRulesWords } from './use_words';

interface Row {
  id: number;
  condition: RuleFormCondition;
}

let serial = 0;
const rowOf = (condition: RuleFormCondition): Row => {
  serial += 1;
  return { id: serial, condition };
};

/** What a new rule begins with is what most rules ask first. */
const FIRST: RuleFormCondition = { fact: 'study.modality', operator: 'is', value: 'DX' };

export function RuleDialog({ rules, form, on, onClose }: { rules: Rules; form: RuleForm | null; on: Speaking; onClose: () => void }) {
  const w = useRulesWords();
  const common = useWords().common;
  const language = useLanguage();
  const [name, setName] = useState(form?.name ?? '');
  const [rows, setRows] = useState<Row[]>(() => (form?.conditions ?? [FIRST]).map(rowOf));
  const [then, setThen] = useState<Record<string, unknown>>(form?.then ?? {});
  const [stop, setStop] = useState(form?.stop ?? false);
  const others = rules.checked?.forms ?? [];
  const [place, setPlace] = useState(() => placeOfNew(others));
  const [refused, setRefused] = useState<RuleProblemView[]>([]);
  const conditions = rows.map((row) => row.condition);
  const isMeasured = conditions.some(({ fact, value }) => (fact === '' ? /\becg\.\w+/u.test(String(value)) : factOf(fact, on.known)?.is_measured === true));
  const isReady = name.trim() !== '' && conditions.every(isWhole) && (Object.keys(then).length > 0);
  const save = useAction(async () => {
    const before = rules.checked?.check.problems ?? [];
    const index = form?.index ?? null;
    const made: RuleForm = { name: name.trim(), conditions, then, stop, index, line: form?.line ?? null, understood: true, texts: form?.texts ?? [] };
    const edited = await api.edit({ source: rules.source, index, form: made, move_to: null });
    const fresh = edited.problems.filter((problem) => !problem.is_warning && !before.some((old) => old.zh === problem.zh));
    setRefused(fresh);
    if (fresh.length > 0) return;
    const isMoved = index === null && place < others.length;
    const { source } = isMoved ? await api.edit({ source: edited.source, index: others.length, form: null, move_to: place }) : edited;
    rules.change(source, 'form');
    onClose();
  });
  const put = (id: number, condition: RuleFormCondition): void => { setRows((old) => old.map((row) => (row.id === id ? { ...row, condition } : row))); };
  return (
    <AppDialog title={form === null ? w.formTitleNew : w.formTitle} onClose={onClose} size="large" testId="rule-form">
      <form
        className="rule-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (isReady) void save.run();
        }}
      >
        <p className="rule-reads" data-testid="rule-reads" aria-live="polite">
          <span className="secondary">{w.reads}</span> {ruleSentence({ conditions, then, stop }, on)}
        </p>
        <div className="rule-head">
          <TextField label={w.name} hint={w.nameHint} value={name} maxLength={200} required autoFocus={form === null} onChange={(event) => { setName(event.target.value); }} data-testid="rule-name" />
          {form === null && others.length > 0 && (
            <SelectField label={w.place} hint={w.placeHint} value={place} onChange={(event) => { setPlace(Number(event.target.value)); }} data-testid="rule-place">
              {others.map((other, at) => <option key={`${other.name}-${String(at)}`} value={at}>{w.placeBefore(at + 1, other.name)}</option>)}
              <option value={others.length}>{w.placeLast}</option>
            </SelectField>
          )}
        </div>
        <fieldset>
          <legend>{w.when}</legend>
          {rows.length === 0 && <p className="secondary">{on.say.all}</p>}
          {rows.map(({ id, condition }, at) => (
            <ConditionRow
              key={id}
              number={at + 1}
              condition={condition}
              on={on}
              onChange={(next) => { put(id, next); }}
              onRemove={() => { setRows((old) => old.filter((row) => row.id !== id)); }}
            />
          ))}
          <button type="button" className="button" onClick={() => { setRows((old) => [...old, rowOf(FIRST)]); }} data-testid="condition-add">
            ＋ {w.addCondition}
          </button>
        </fieldset>
        <fieldset>
          <legend>{w.then}</legend>
          {isMeasured && <Note tone="warning">{w.measuredOnly}</Note>}
          <GivesFields then={then} on={on} isMeasured={isMeasured} onChange={setThen} />
          {(!isMeasured || stop) && <CheckField label={w.stop} checked={stop} onChange={(event) => { setStop(event.target.checked); }} data-testid="rule-stop" />}
        </fieldset>
        {refused.length > 0 && (
          <Note tone="critical">
            <p>{w.refused}</p>
            <ul data-testid="rule-refused">{refused.map((problem) => <li key={problem.zh}>{problem[language]}</li>)}</ul>
          </Note>
        )}
        <RulesProblem problem={save.problem} />
        <footer>
          <span className="secondary">{w.saveHint}</span>
          <button type="button" className="button" onClick={onClose}>
            {common.cancel}
          </button>
          <button type="submit" className="button primary" disabled={!isReady || save.isBusy} data-testid="rule-save">
            {w.save}
          </button>
        </footer>
      </form>
    </AppDialog>
  );
}
