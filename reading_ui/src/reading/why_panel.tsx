/** "Why is this with me?": the stored decision, with every rule looked at, what it gave and the values it saw (D1). */
import type { DecisionView, StudyView } from '../api/types';
import { Panel } from '../parts/dialog';
import { Icon } from '../parts/icons';
import { PriorityMark } from '../parts/marks';
import { HintList } from '../parts/priority_hints';
import { WhyRules } from '../parts/why_rules';
import { useFormat, useWords } from '../words';

export function WhyPanel({ study }: { study: StudyView }) {
  const w = useWords();
  return (
    <Panel
      label={w.reading.whyTitle}
      testId="why"
      button={
        <>
          <Icon name="why" /> {w.reading.why}
        </>
      }
    >
      <Origin study={study} />
      <Arrived study={study} />
      {study.decision === null ? <p>{w.reading.whyNone}</p> : <Why decision={study.decision} />}
    </Panel>
  );
}

/** Where it comes from, and by what that is known, in one line. */
function Origin({ study }: { study: StudyView }) {
  const w = useWords();
  const { origin } = study;
  const by = origin?.decided_by == null ? '' : (w.reading.originBy[origin.decided_by] ?? origin.decided_by);
  return (
    <p className="why-origin" data-testid="why-origin">
      <span className="secondary">{w.reading.origin}</span>{' '}
      {origin !== null && origin.state !== 'settled' ? w.reading.originOpen : <b>{study.site_name}</b>}
      {by !== '' && <span> {w.reading.originKnown(by)}</span>}
      {origin !== null && origin.seen !== '' && <span className="secondary"> {shortened(origin.seen)}</span>}
    </p>
  );
}

/** How many images are here of how many, and by what it is known that they are all (B9). */
function Arrived({ study }: { study: StudyView }) {
  const w = useWords();
  const format = useFormat();
  const by = study.complete_by === null ? w.reading.arriving : (w.reading.completeBy[study.complete_by] ?? study.complete_by);
  return (
    <p className="why-origin" data-testid="why-arrived">
      <span className="secondary">{w.reading.arrived}</span>{' '}
      <b>{w.reading.arrivedCount(study.instance_count, study.expected_count)}</b> <span>{w.reading.originKnown(by)}</span>
      {study.told.map((one) => (
        <span key={`${one.kind}-${one.at}`} className="why-told" data-testid="why-told">
          {w.reading.toldBy[one.kind] ?? one.kind}: {w.reading.told(one.instance_count, one.missing, one.is_final)}{' '}
          <span className="secondary">{format.when(one.at)}</span>
        </span>
      ))}
    </p>
  );
}

function Why({ decision }: { decision: DecisionView }) {
  const w = useWords();
  const format = useFormat();
  const matched = decision.because.filter((rule) => rule.matched);
  const others = decision.because.filter((rule) => !rule.matched);
  const facts: [string, string][] = [
    [w.reading.group, decision.group],
    [w.reading.namedReader, decision.reader_name ?? w.common.none],
    [w.reading.dueAt, format.dateTime(decision.due_at)],
    [w.reading.decidedAt, `${format.dateTime(decision.at)} (${w.reading.rulesVersion(decision.rules_version)})`],
    ...(decision.rules
      ? [[w.reading.rulesOf, w.reading.answersFor(decision.rules.title, decision.rules.proposed_by, decision.rules.approved_by)] as [string, string]]
      : []),
  ];
  return (
    <div className="why" data-testid="why-panel">
      <h2>{w.reading.whyTitle}</h2>
      <PriorityMark priority={decision.priority} />
      <HintList hints={decision.hints} />
      <dl className="facts">
        {facts.map(([label, value]) => (
          <div key={label} className="facts-row">
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
        {decision.tags.length > 0 && (
          <div className="facts-row">
            <dt>{w.reading.tags}</dt>
            <dd>{decision.tags.join(' · ')}</dd>
          </div>
        )}
      </dl>
      <WhyRules rules={matched} />
      {others.length > 0 && (
        <details>
          <summary>{w.reading.othersNot(others.length)}</summary>
          <WhyRules rules={others} />
        </details>
      )}
      <details>
        <summary>{w.reading.facts}</summary>
        <pre>{Object.entries(decision.facts).map(([name, value]) => `${name} = ${JSON.stringify(value)}`).join('\n')}</pre>
      </details>
      <p className="secondary">{w.reading.rankOnly}</p>
    </div>
  );
}

/** A fingerprint is recognised by its beginning. */
function shortened(seen: string): string {
  return /^[0-9a-f]{64}$/u.test(seen) ? `${seen.slice(0, 16)}…` : seen;
}
