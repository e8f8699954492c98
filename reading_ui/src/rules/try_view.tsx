/** The draft tried on one real study: to whom it would go, and every rule with its reasons. Nothing is stored. */
import { useEffect, useState } from 'react';

import { rules as api } from '../api/rules';
import type { DecisionView, RuleForm, RuleTrialView } from '../api/types';
import { useAction, useResource } from '../app/resource';
import { Link, useSearch } from '../app/router';
import { PatientName, PriorityMark } from '../parts/marks';
import { Empty, Loading, Note, ProblemNote } from '../parts/notes';
import { WhyRules } from '../parts/why_rules';
import { examOf, useFormat, useWords } from '../words';
import { RulesProblem } from './rules_problem';
import { conditionPhrase, groupName, type Speaking } from './sentences';
import type { Rules } from './use_rules';
import { useRulesWords, useSpeaking } from './use_words';

const SEARCH_AFTER_MS = 300;

export function TryView({ rules }: { rules: Rules }) {
  const w = useRulesWords();
  const on = useSpeaking(rules.known, rules.source);
  const asked = new URLSearchParams(useSearch()).get('study');
  // The study stays picked while another view is open.
  const [last, setLast] = useState(asked);
  if (asked !== null && asked !== last) setLast(asked);
  const picked = asked ?? last;
  const [trial, setTrial] = useState<{ source: string; study: string; found: RuleTrialView } | null>(null);
  const act = useAction(async (study: string) => {
    const { source } = rules;
    setTrial({ source, study, found: await api.tryOn({ source, study }) });
  });
  const { run } = act;
  const canTry = !rules.hasErrors && rules.checked !== null;
  useEffect(() => {
    if (picked !== null && canTry) void run(picked);
  }, [picked, canTry, run]);
  const shown = trial?.study === picked ? trial : null;
  return (
    <div className="try-view">
      <StudyPicker picked={picked} on={on} />
      <div className="try-result" aria-live="polite" aria-busy={act.isBusy}>
        {rules.hasErrors && <Note tone="warning">{w.tryBroken}</Note>}
        {picked === null && <Empty>{w.tryPick}</Empty>}
        {act.isBusy && <Loading />}
        <RulesProblem problem={act.problem} />
        {picked !== null && shown !== null && (
          <>
            {shown.source !== rules.source && (
              <Note tone="warning">
                <p>{w.tryStale}</p>
                <button type="button" className="button" disabled={!canTry || act.isBusy} onClick={() => { void run(picked); }} data-testid="try-again">
                  {w.tryAgain}
                </button>
              </Note>
            )}
            <Trial trial={shown.found} forms={rules.checked?.forms ?? []} on={on} />
          </>
        )}
      </div>
    </div>
  );
}

function StudyPicker({ picked, on }: { picked: string | null; on: Speaking }) {
  const w = useRulesWords();
  const words = useWords();
  const format = useFormat();
  const [text, setText] = useState('');
  const [q, setQ] = useState('');
  useEffect(() => {
    const timer = setTimeout(() => { setQ(text.trim()); }, SEARCH_AFTER_MS);
    return () => { clearTimeout(timer); };
  }, [text]);
  const found = useResource((signal) => api.studies(q, signal), `studies-${q}`);
  return (
    <div className="study-picker">
      <label className="field">
        <span className="secondary">{w.tryFind}</span>
        <input type="search" className="control" placeholder={w.tryFindHint} value={text} onChange={(event) => { setText(event.target.value); }} data-testid="try-search" />
      </label>
      <ProblemNote problem={found.problem} onRetry={found.reload} />
      {found.data === null && found.problem === null && <Loading />}
      {found.data?.length === 0 && <Empty>{w.tryNone}</Empty>}
      <ul className="study-list">
        {found.data?.map((study) => (
          <li key={study.study_id}>
            <Link href={`/admin/rules?view=try&study=${encodeURIComponent(study.study_id)}`} aria-current={picked === study.study_id ? 'true' : undefined} data-testid="try-study">
              <b>
                <PatientName name={study.patient.name} />
              </b>
              <span>
                {study.modality} {examOf(study, words)} · {study.site_name}
              </span>
              <span className="secondary">
                {format.when(study.at)} · {study.accession_number === '' ? study.patient.patient_id : study.accession_number}
                {study.group !== '' && ` → ${groupName(study.group, on)}`}
              </span>
            </Link>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Trial({ trial, forms, on }: { trial: RuleTrialView; forms: RuleForm[]; on: Speaking }) {
  const w = useRulesWords();
  const format = useFormat();
  const { decision, stored } = trial;
  const phrases = new Map(forms.flatMap((form) => form.conditions.map((condition, at): [string, string] => [form.texts[at] ?? '', condition.fact === '' ? '' : conditionPhrase(condition, on)])).filter(([, said]) => said !== ''));
  const isSame = stored !== null && placeOf(stored) === placeOf(decision) && stored.priority === decision.priority && sameDue(stored, decision);
  return (
    <div className="trial" data-testid="trial" data-group={decision.group} data-same={stored === null ? '' : String(isSame)}>
      <div className="trial-outcomes">
        <Outcome title={w.wouldGo} decision={decision} on={on} isMain />
        {stored === null ? <p className="secondary">{w.notRouted}</p> : <Outcome title={w.wentTo} decision={stored} on={on} />}
      </div>
      {stored !== null && <p className={isSame ? 'secondary' : 'is-warning'} data-testid="trial-verdict">{isSame ? `✓ ${w.same}` : `● ${w.differs}`}</p>}
      <p className="secondary">{w.factsAt(format.dateTime(trial.facts_at))}</p>
      <h3>{w.allRules}</h3>
      <WhyRules rules={decision.because} phrases={phrases} />
    </div>
  );
}

function Outcome({ title, decision, on, isMain = false }: { title: string; decision: DecisionView; on: Speaking; isMain?: boolean }) {
  const w = useWords();
  const format = useFormat();
  return (
    <dl className={`outcome${isMain ? ' outcome-main' : ''}`}>
      <dt>{title}</dt>
      <dd>
        <b>{groupName(decision.group, on)}</b>
        {decision.reader_name !== null && ` · ${decision.reader_name}`}
      </dd>
      <dd>
        <PriorityMark priority={decision.priority} /> · {w.reading.dueAt} {format.dateTime(decision.due_at)}
      </dd>
      {decision.tags.length > 0 && <dd className="secondary">{decision.tags.join(' · ')}</dd>}
    </dl>
  );
}

function placeOf({ group, reader_name }: DecisionView): string {
  return `${group} ${reader_name ?? ''}`;
}

/** A report due within the same minute is due at the same time. */
function sameDue(a: DecisionView, b: DecisionView): boolean {
  return Math.abs(Date.parse(a.due_at) - Date.parse(b.due_at)) < 60_000;
}
