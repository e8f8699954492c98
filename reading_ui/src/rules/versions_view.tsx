/** Every version that was ever proposed: what it changed, who proposed it, who approved it, and the way back. */
import { useState } from 'react';

import { rules as api, type WholeVersion } from '../api/rules';
import type { RuleVersionView } from '../api/types';
import { Link, useSearch } from '../app/router';
import { useAction, useResource } from '../app/resource';
import { AppDialog } from '../parts/dialog';
import { AreaField } from '../parts/field';
import { Empty, Loading, Note, ProblemNote } from '../parts/notes';
import { ReasonDialog } from '../parts/reason_dialog';
import { useFormat, useWords } from '../words';
import { Differences } from './differences';
import { RulesProblem } from './rules_problem';
import type { Rules } from './use_rules';
import { useRulesWords } from './use_words';

/** Who put the packaged rules into force at the first start. */
const GATEWAY = 'gateway';

const address = (version: number): string => `/admin/rules?view=versions&version=${String(version)}`;

export function VersionsView({ rules }: { rules: Rules }) {
  const w = useRulesWords();
  const format = useFormat();
  const open = Number(new URLSearchParams(useSearch()).get('version') ?? 0);
  const all = rules.versions.data ?? [];
  const shown = all.find((version) => version.version === open);
  return (
    <div className="versions">
      {all.length === 0 && <Empty>{w.versionsNone}</Empty>}
      {all.length > 0 && (
        <div className="table-frame versions-frame" tabIndex={0} role="region" aria-label={w.views.versions}>
          <table className="table">
            <thead>
              <tr>
                <th>{w.version}</th>
                <th>{w.state}</th>
                <th>{w.by}</th>
                <th>{w.approvedBy}</th>
                <th>{w.note}</th>
              </tr>
            </thead>
            <tbody>
              {all.map((version) => (
                <tr key={version.version} data-testid="version-row" data-version={version.version} data-state={version.state}>
                  <td>
                    <Link href={version.version === open ? '/admin/rules?view=versions' : address(version.version)} aria-current={version.version === open ? 'true' : undefined} data-testid="version-open">
                      {w.versionNumber(version.version)}
                    </Link>
                  </td>
                  <td><State version={version} /></td>
                  <td>{version.by === GATEWAY ? w.system : version.by}<br /><span className="secondary">{format.dateTime(version.at)}</span></td>
                  <td>{version.approved_by ?? ''}{version.approved_at !== null && <><br /><span className="secondary">{format.dateTime(version.approved_at)}</span></>}</td>
                  <td><NoteOf version={version} /></td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {shown !== undefined && <Version key={shown.version} rules={rules} about={shown} all={all} />}
    </div>
  );
}

function State({ version }: { version: RuleVersionView }) {
  const w = useRulesWords();
  return <span className={`badge version-${version.state}`}>{w.stateOf[version.state] ?? version.state}</span>;
}

function NoteOf({ version }: { version: RuleVersionView }) {
  const w = useRulesWords();
  return (
    <span className="wrap">
      {version.restores !== null && <b>{w.restored(version.restores)} </b>}
      {version.note === '' && version.restores === null ? <span className="secondary">{w.noNote}</span> : version.note}
      {version.refused_by !== null && <span className="is-error"> {w.refusedBecause(version.refused_by, version.refused_reason)}</span>}
    </span>
  );
}

function Version({ rules, about, all }: { rules: Rules; about: RuleVersionView; all: RuleVersionView[] }) {
  const w = useRulesWords();
  const isWaiting = about.state === 'awaiting_approval';
  // What waits is held against what is in force; what was, against what was in force before it.
  const earlier = isWaiting ? rules.active?.version : all.filter((one) => one.version < about.version && one.state !== 'refused' && one.state !== 'awaiting_approval').at(0)?.version;
  const own = useResource((signal) => api.version(about.version, signal), `version-${String(about.version)}`);
  const before = useResource(async (signal): Promise<WholeVersion | null> => (earlier === undefined ? null : api.version(earlier, signal)), `before-${String(earlier)}`);
  if (own.data === null || before.isLoading) return own.problem === null ? <Loading /> : <ProblemNote problem={own.problem} onRetry={own.reload} />;
  const { source } = own.data;
  return (
    <article className="version" data-testid="version-detail">
      <header>
        <h2>
          {w.versionNumber(about.version)} <State version={about} />
        </h2>
        <Acts rules={rules} about={about} source={source} />
      </header>
      {isWaiting && !about.may_approve && <Note tone="plain">{w.ownProposal}</Note>}
      {before.data === null ? (
        <p className="secondary">{w.differenceFirst}</p>
      ) : (
        <>
          <h3>{w.differenceTo(before.data.version)}</h3>
          <Differences known={rules.known} before={before.data} after={{ source }} />
        </>
      )}
      <details>
        <summary>{w.source}</summary>
        <pre className="rules-source" tabIndex={0}>
          {source}
        </pre>
      </details>
    </article>
  );
}

function Acts({ rules, about, source }: { rules: Rules; about: RuleVersionView; source: string }) {
  const w = useRulesWords();
  const [asking, setAsking] = useState<'refuse' | 'roll-back' | null>(null);
  const based_on = rules.active?.version ?? null;
  const approve = useAction(async () => {
    await api.approve(about.version, { based_on });
    rules.renew(true);
  });
  const refuse = useAction(async (reason: string) => {
    await api.refuse(about.version, { reason });
    rules.renew(false);
  });
  const close = (): void => { setAsking(null); };
  return (
    <>
      <div className="row-acts">
        {about.state === 'awaiting_approval' && (
          <>
            {about.may_approve && (
              <button type="button" className="button primary" disabled={approve.isBusy} onClick={() => { void approve.run(); }} data-testid="version-approve">
                {w.approve}
              </button>
            )}
            <button type="button" className="button" onClick={() => { setAsking('refuse'); }} data-testid="version-refuse">
              {about.may_approve ? w.refuse : w.takeBack}
            </button>
          </>
        )}
        {about.state !== 'active' && (
          <button type="button" className="button" onClick={() => { rules.startFrom(source, based_on ?? 0); }} data-testid="version-copy">
            {w.copyToDraft}
          </button>
        )}
        {about.state === 'superseded' && (
          <button type="button" className="button" onClick={() => { setAsking('roll-back'); }} data-testid="version-roll-back">
            {w.rollBack}
          </button>
        )}
      </div>
      <RulesProblem problem={approve.problem} />
      {asking === 'refuse' && <ReasonDialog title={about.may_approve ? w.refuseTitle : w.takeBackTitle} hint={w.refuseHint} confirm={about.may_approve ? w.refuse : w.takeBack} action={refuse} onClose={close} />}
      {asking === 'roll-back' && <RollBack rules={rules} version={about.version} onClose={close} />}
    </>
  );
}

function RollBack({ rules, version, onClose }: { rules: Rules; version: number; onClose: () => void }) {
  const w = useRulesWords();
  const common = useWords().common;
  const [note, setNote] = useState('');
  const act = useAction(async () => {
    const made = await api.rollBack(version, { note: note.trim(), based_on: rules.active?.version ?? null });
    rules.renew(made.state === 'active');
    onClose();
  });
  return (
    <AppDialog title={w.rollBackTitle(version)} onClose={onClose} testId="roll-back">
      <p>{w.rollBackHint}</p>
      <AreaField label={w.noteLabel} rows={2} value={note} autoFocus onChange={(event) => { setNote(event.target.value); }} />
      <RulesProblem problem={act.problem} />
      <footer>
        <button type="button" className="button" onClick={onClose}>
          {common.cancel}
        </button>
        <button type="button" className="button primary" disabled={act.isBusy} onClick={() => { void act.run(); }} data-testid="roll-back-now">
          {rules.known?.needs_approval === true ? w.confirmPropose : w.confirm}
        </button>
      </footer>
    </AppDialog>
  );
}
