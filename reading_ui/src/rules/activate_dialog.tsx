/** The last look before rules come into force, or go to a second person: what changes in words, and why. */
import { useState } from 'react';

import { rules as api } from '../api/rules';
import { useAction, useResource } from '../app/resource';
import { AppDialog } from '../parts/dialog';
import { AreaField } from '../parts/field';
import { Note } from '../parts/notes';
import { useWords } from '../words';
import { useLanguage } from '../words/language';
import { Differences } from './differences';
import { RulesProblem } from './rules_problem';
import type { Rules } from './use_rules';
import { useRulesWords } from './use_words';

const DAYS = 30;

export function ActivateDialog({ rules, onClose, onDone }: { rules: Rules; onClose: () => void; onDone: (version: number, isInForce: boolean) => void }) {
  const w = useRulesWords();
  const common = useWords().common;
  const [note, setNote] = useState('');
  const needsApproval = rules.known?.needs_approval ?? false;
  const language = useLanguage();
  const lately = useResource(() => api.checkOnDays(rules.source, DAYS), rules.source);
  const known = rules.checked?.check.problems.map((problem) => problem.zh) ?? [];
  const unmatched = lately.data?.problems.filter((problem) => problem.is_warning && !known.includes(problem.zh)) ?? [];
  const act = useAction(async () => {
    const made = await api.propose({ source: rules.source, note: note.trim(), based_on: rules.active?.version ?? null });
    onDone(made.version, made.state === 'active');
  });
  return (
    <AppDialog title={needsApproval ? w.proposeTitle : w.confirmTitle} onClose={onClose} size="large" testId="rules-confirm">
      <p>{needsApproval ? w.proposeHint : w.confirmHint}</p>
      {rules.hasErrors && <Note tone="critical">{w.hasErrors}</Note>}
      {rules.active !== null && <Differences known={rules.known} before={{ source: rules.active.source }} after={{ source: rules.source }} />}
      <div aria-live="polite" data-testid="rules-lately" data-state={lately.data === null ? 'asking' : 'answered'}>
        {lately.isLoading && <p className="secondary">{w.latelyAsking(DAYS)}</p>}
        {lately.problem !== null && <RulesProblem problem={lately.problem} />}
        {lately.data?.is_valid === true && unmatched.length === 0 && <p className="secondary">✓ {w.latelyNone(DAYS)}</p>}
        {unmatched.length > 0 && (
          <Note tone="warning">
            {unmatched.map((problem) => <p key={problem.zh}>{problem[language]}</p>)}
          </Note>
        )}
      </div>
      <AreaField label={w.noteLabel} rows={2} value={note} autoFocus onChange={(event) => { setNote(event.target.value); }} data-testid="rules-note" />
      <RulesProblem problem={act.problem} />
      <footer>
        <button type="button" className="button" onClick={onClose}>
          {common.cancel}
        </button>
        <button type="button" className="button primary" disabled={rules.hasErrors || rules.isChecking || act.isBusy} onClick={() => { void act.run(); }} data-testid="rules-confirm-now">
          {needsApproval ? w.confirmPropose : w.confirm}
        </button>
      </footer>
    </AppDialog>
  );
}
