/** Which version is in force, whether the draft differs from it, what `check` says, and how it comes into force. */
import { useState } from 'react';

import { Link } from '../app/router';
import { AppDialog } from '../parts/dialog';
import { Note } from '../parts/notes';
import { useFormat } from '../words';
import { ActivateDialog } from './activate_dialog';
import { Differences } from './differences';
import type { Rules } from './use_rules';
import { useRulesWords } from './use_words';

type Asking = 'activate' | 'drop' | 'difference' | null;

export function DraftBar({ rules }: { rules: Rules }) {
  const w = useRulesWords();
  const format = useFormat();
  const [asking, setAsking] = useState<Asking>(null);
  const [done, setDone] = useState<{ version: number; isInForce: boolean } | null>(null);
  const { active, isDirty, base } = rules;
  const isStale = isDirty && active !== null && base !== active.version;
  const waiting = rules.versions.data?.find((version) => version.state === 'awaiting_approval');
  const newest = rules.versions.data?.[0];
  const close = (): void => { setAsking(null); };
  return (
    <>
      <div className="rules-bar" data-testid="rules-bar" data-state={isDirty ? 'changed' : 'unchanged'}>
        <div className="rules-bar-words">
          <span>{active === null ? w.noneInForce : w.inForce(active.version, active.approved_by ?? active.by, format.dateTime(active.activated_at ?? active.at))}</span>
          <span className={isDirty ? 'rules-changed' : 'secondary'} title={isDirty ? w.changedHint : undefined}>
            {isDirty ? `● ${w.changed}` : w.unchanged}
          </span>
          <CheckState rules={rules} />
        </div>
        <div className="row-acts">
          <button type="button" className="button" disabled={!rules.canUndo} onClick={rules.undo} data-testid="rules-undo">
            {w.undo}
          </button>
          <button type="button" className="button" disabled={!isDirty || active === null} onClick={() => { setAsking('difference'); }} data-testid="rules-see-difference">
            {w.seeDifference}
          </button>
          <button type="button" className="button" disabled={!isDirty} onClick={() => { setAsking('drop'); }} data-testid="rules-discard">
            {w.discard}
          </button>
          <button type="button" className="button primary" disabled={rules.active !== null && !isDirty} onClick={() => { setDone(null); setAsking('activate'); }} data-testid="rules-activate">
            {rules.known?.needs_approval ? w.propose : w.activate}
          </button>
        </div>
      </div>
      {done !== null && <Note tone="ok"><p data-testid="rules-done">{done.isInForce ? w.activated(done.version) : w.proposed(done.version)}</p></Note>}
      {waiting !== undefined && done === null && (
        <Note tone="warning">
          <p data-testid="rules-waiting">
            {waiting.may_approve ? <Link href={`/admin/rules?view=versions&version=${String(waiting.version)}`}>{w.awaitingYou(waiting.version)}</Link> : w.awaitingOther(waiting.version)}
          </p>
        </Note>
      )}
      {isDirty && newest?.state === 'refused' && done === null && (
        <Note tone="warning"><p data-testid="rules-refusal">{w.versionNumber(newest.version)}: {w.refusedBecause(newest.refused_by ?? '', newest.refused_reason)}</p></Note>
      )}
      {isStale && <Note tone="warning"><p data-testid="rules-stale">{w.keptStale(base, active.version)}</p></Note>}
      {isDirty && !isStale && rules.foundFrom !== null && <Note tone="plain"><p data-testid="rules-found">{w.keptFound(format.dateTime(rules.foundFrom), base)}</p></Note>}
      {!rules.isKept && <Note tone="warning">{w.notKept}</Note>}
      {asking === 'activate' && (
        <ActivateDialog
          rules={rules}
          onClose={close}
          onDone={(version, isInForce) => {
            setDone({ version, isInForce });
            rules.renew(isInForce);
            close();
          }}
        />
      )}
      {asking === 'difference' && active !== null && (
        <AppDialog title={w.differenceDraft(active.version)} onClose={close} size="large" testId="rules-difference">
          <Differences known={rules.known} before={{ source: active.source }} after={{ source: rules.source }} />
        </AppDialog>
      )}
      {asking === 'drop' && (
        <AppDialog title={w.startOverAsk} onClose={close}>
          <p>{w.startOverHint}</p>
          <footer>
            <button type="button" className="button" onClick={close}>{w.stay}</button>
            <button type="button" className="button danger" onClick={() => { rules.drop(); close(); }} data-testid="rules-discard-now">
              {w.discard}
            </button>
          </footer>
        </AppDialog>
      )}
    </>
  );
}

/** One short sentence, spoken when it changes; the list of problems stands with the editor. */
function CheckState({ rules }: { rules: Rules }) {
  const w = useRulesWords();
  const problems = rules.checked?.check.problems ?? [];
  const errors = problems.filter((problem) => !problem.is_warning).length;
  const warnings = problems.length - errors;
  const state = rules.checkProblem !== null ? 'failed' : rules.isChecking ? 'checking' : errors > 0 ? 'errors' : warnings > 0 ? 'warnings' : 'fine';
  const said = {
    failed: w.checkFailed,
    checking: w.checking,
    errors: [w.errors(errors), warnings > 0 ? w.warnings(warnings) : ''].filter((part) => part !== '').join(' · '),
    warnings: w.warnings(warnings),
    fine: w.fine,
  }[state];
  return (
    <span role="status" className={`check-state check-${state}`} data-testid="check-state" data-state={state}>
      {said}
    </span>
  );
}
