/** The routing rules in force, and how to change them: paste, check, activate. */
import { useState } from 'react';

import { admin as api } from '../api/endpoints';
import { useAction, useResource } from '../app/resource';
import { AreaField } from '../parts/field';
import { Loading, Note, ProblemNote } from '../parts/notes';
import { useFormat } from '../words';
import { useAdminWords } from './use_words';

export function RulesSection() {
  const a = useAdminWords();
  const format = useFormat();
  const rules = useResource(api.rules, 'rules');
  const [draft, setDraft] = useState('');
  const [done, setDone] = useState<number | null>(null);
  const activate = useAction(async () => {
    setDone(null);
    const now = await api.activateRules(draft);
    rules.replace(now);
    setDone(now.version);
    setDraft('');
  });
  const isNone = rules.problem?.status === 404;
  const inForce = rules.data;
  return (
    <>
      {inForce === null && !isNone && (rules.problem ? <ProblemNote problem={rules.problem} onRetry={rules.reload} /> : <Loading />)}
      {isNone && <Note tone="warning">{a.rulesNone}</Note>}
      {inForce !== null && (
        <details open>
          <summary>{a.rulesInForce(inForce.version, inForce.activated_by, format.dateTime(inForce.activated_at))}</summary>
          <pre className="rules-source" tabIndex={0} data-testid="rules-source">
            {inForce.source}
          </pre>
        </details>
      )}
      <div className="rules-new">
        <AreaField label={a.rulesPaste} hint={a.rulesHint} rows={14} spellCheck={false} value={draft} onChange={(event) => { setDraft(event.target.value); }} data-testid="rules-draft" />
        {done !== null && <Note tone="ok">{a.rulesDone(done)}</Note>}
        {activate.problem !== null && (
          <Note tone="critical">
            <pre data-testid="rules-problem">{activate.problem.detail || activate.problem.reason}</pre>
          </Note>
        )}
        <div className="section-acts">
          {inForce !== null && (
            <button type="button" className="button" onClick={() => { setDraft(inForce.source); }}>
              {a.rulesEdit}
            </button>
          )}
          <button type="button" className="button primary" disabled={draft.trim() === '' || activate.isBusy} onClick={() => { void activate.run(); }} data-testid="activate-rules">
            {a.rulesActivate}
          </button>
          <span className="secondary">{a.rulesConfirm}</span>
        </div>
      </div>
    </>
  );
}
