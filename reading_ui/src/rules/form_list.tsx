/** The rules as sentences, one a line, in the order in which they are asked; change, move and remove by mouse and keyboard. */
import { type KeyboardEvent, type ReactNode, useState } from 'react';

import { rules as api } from '../api/rules';
import type { RuleForm, RuleProblemView } from '../api/types';
import { useAnnounce } from '../app/announcer';
import { useAction } from '../app/resource';
import { AppDialog } from '../parts/dialog';
import { Icon } from '../parts/icons';
import { Empty, Loading, Note, ProblemNote } from '../parts/notes';
import { useWords } from '../words';
import { fallbackOf } from './outline';
import { RuleDialog } from './rule_dialog';
import { RulesProblem } from './rules_problem';
import { conditionPhrase, givesPhrases, groupName, ruleSentence, type Speaking } from './sentences';
import type { Rules } from './use_rules';
import { useRulesWords, useSpeaking } from './use_words';

const MANY = 8;

export function FormList({ rules }: { rules: Rules }) {
  const w = useRulesWords();
  const common = useWords().common;
  const announce = useAnnounce();
  const { checked, known, source } = rules;
  const on = useSpeaking(known, checked?.source ?? source);
  const [editing, setEditing] = useState<RuleForm | 'new' | null>(null);
  const [removing, setRemoving] = useState<RuleForm | null>(null);
  const [wanted, setWanted] = useState('');
  const act = useAction(async (index: number, moveTo: number | null) => {
    const { source: next } = await api.edit({ source, index, form: null, move_to: moveTo });
    rules.change(next, 'form');
  });
  if (known === null || checked === null) return rules.checkProblem === null ? <Loading /> : <ProblemNote problem={rules.checkProblem} />;
  if (checked.forms === null) return <Note tone="warning"><p data-testid="forms-broken">{w.formsBroken}</p></Note>;
  const all = checked.forms;
  const isOld = checked.source !== source || act.isBusy;
  const shown = all.map((form, index) => ({ form, index })).filter(({ form }) => `${form.name} ${ruleSentence(form, on)}`.toLowerCase().includes(wanted.trim().toLowerCase()));
  const problemsOf = (index: number): RuleProblemView[] => {
    const from = all[index]?.line ?? 0;
    const until = all[index + 1]?.line ?? Number.POSITIVE_INFINITY;
    return checked.check.problems.filter(({ line }) => line >= from && line < until);
  };
  const move = (index: number, to: number): void => {
    if (isOld || to < 0 || to >= all.length) return;
    void act.run(index, to).then((isDone) => {
      if (isDone) announce(`${all[index]?.name ?? ''} → ${String(to + 1)}`);
    });
  };
  return (
    <div className="form-list">
      <div className="form-list-head">
        <b>{w.ruleCount(all.length)}</b>
        {all.length > MANY && (
          <input type="search" className="control" aria-label={w.findRule} placeholder={w.findRule} value={wanted} onChange={(event) => { setWanted(event.target.value); }} />
        )}
        <button type="button" className="button" disabled={isOld} onClick={() => { setEditing('new'); }} data-testid="rule-add">
          ＋ {w.add}
        </button>
      </div>
      <p className="secondary">{w.order}</p>
      <RulesProblem problem={act.problem} />
      {shown.length === 0 && <Empty>{all.length === 0 ? w.noRules : w.noneFound}</Empty>}
      <ol className="rule-cards">
        {shown.map(({ form, index }) => (
          <RuleCard key={`${form.name}-${String(index)}`} form={form} number={index + 1} on={on} problems={problemsOf(index)} onMove={(step) => { move(index, index + step); }}>
            <button type="button" className="button bare" disabled={isOld || index === 0} aria-label={`${w.up}: ${form.name}`} title={w.up} onClick={() => { move(index, index - 1); }} data-testid="rule-up">
              ↑
            </button>
            <button type="button" className="button bare" disabled={isOld || index === all.length - 1} aria-label={`${w.down}: ${form.name}`} title={w.down} onClick={() => { move(index, index + 1); }} data-testid="rule-down">
              ↓
            </button>
            <button type="button" className="button bare" disabled={isOld} aria-label={`${w.remove}: ${form.name}`} onClick={() => { setRemoving({ ...form, index }); }} data-testid="rule-remove">
              {w.remove}
            </button>
            <button type="button" className="button" disabled={isOld} aria-label={`${w.change}: ${form.name}`} onClick={() => { setEditing({ ...form, index }); }} data-testid="rule-change-it">
              {w.change}
            </button>
          </RuleCard>
        ))}
      </ol>
      <p className="rule-fallback">{w.fallback(groupName(fallbackOf(source), on))}</p>
      {editing !== null && <RuleDialog rules={rules} form={editing === 'new' ? null : editing} on={on} onClose={() => { setEditing(null); }} />}
      {removing !== null && (
        <AppDialog title={w.removeAsk(removing.name)} onClose={() => { setRemoving(null); }} testId="rule-removing">
          <p>{ruleSentence(removing, on)}</p>
          <p className="secondary">{w.removeHint}</p>
          <footer>
            <button type="button" className="button" onClick={() => { setRemoving(null); }}>
              {common.cancel}
            </button>
            <button type="button" className="button danger" onClick={() => { void act.run(removing.index ?? 0, null); setRemoving(null); }} data-testid="rule-remove-now">
              {w.remove}
            </button>
          </footer>
        </AppDialog>
      )}
    </div>
  );
}

function RuleCard({ form, number, on, problems, onMove, children }: { form: RuleForm; number: number; on: Speaking; problems: RuleProblemView[]; onMove: (step: number) => void; children: ReactNode }) {
  const w = useRulesWords();
  const keys = (event: KeyboardEvent): void => {
    if (!event.altKey || (event.key !== 'ArrowUp' && event.key !== 'ArrowDown')) return;
    event.preventDefault();
    onMove(event.key === 'ArrowUp' ? -1 : 1);
  };
  const when = form.conditions.map((condition) => conditionPhrase(condition, on));
  return (
    <li className="rule-card" data-testid="rule-card" onKeyDown={keys}>
      <span className="rule-number" aria-hidden>{number}</span>
      <div className="rule-words">
        <h3>
          {form.name}
          {problems.length > 0 && (
            <span className={problems.some((problem) => !problem.is_warning) ? 'rule-mark is-error' : 'rule-mark is-warning'} title={problems.map((problem) => problem[on.language]).join('\n')} data-testid="rule-mark">
              <Icon name="warning" /> {problems.some((problem) => !problem.is_warning) ? w.isError : w.isWarning}
            </span>
          )}
        </h3>
        <p data-testid="rule-sentence">
          {when.length === 0 ? <span className="phrase">{on.say.all}</span> : when.map((phrase, at) => (
            <span key={`${phrase}-${String(at)}`}>
              {at > 0 && <span className="secondary">{on.say.and}</span>}
              <span className={`phrase${form.conditions[at]?.fact === '' ? ' phrase-text' : ''}`}>{phrase}</span>
            </span>
          ))}
          <span className="arrow" aria-hidden> → </span>
          <b>{givesPhrases(form.then, form.stop, on).join(on.say.comma)}</b>
        </p>
      </div>
      <div className="rule-acts">{children}</div>
    </li>
  );
}
