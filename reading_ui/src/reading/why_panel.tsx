/** "Why is this with me?": the stored decision, with every rule looked at and the values it saw (D1). */
import type { DecisionView, RuleView } from '../api/types';
import { Panel } from '../parts/dialog';
import { Icon } from '../parts/icons';
import { PriorityMark } from '../parts/marks';
import { useFormat, useWords } from '../words';

export function WhyPanel({ decision }: { decision: DecisionView | null }) {
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
      {decision === null ? <p>{w.reading.whyNone}</p> : <Why decision={decision} />}
    </Panel>
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
  ];
  return (
    <div className="why" data-testid="why-panel">
      <h2>{w.reading.whyTitle}</h2>
      <PriorityMark priority={decision.priority} />
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
      <Rules rules={matched} />
      {others.length > 0 && (
        <details>
          <summary>{w.reading.othersNot(others.length)}</summary>
          <Rules rules={others} />
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

function Rules({ rules }: { rules: RuleView[] }) {
  return (
    <ul className="why-rules">
      {rules.map((rule, index) => (
        <Rule key={`${rule.rule}-${String(index)}`} rule={rule} />
      ))}
    </ul>
  );
}

function Rule({ rule }: { rule: RuleView }) {
  const w = useWords();
  return (
    <li data-matched={rule.matched}>
      <b>{rule.rule}</b> <span className="secondary">{rule.matched ? w.reading.matched : w.reading.notMatched}</span>
      <ul>
        {rule.conditions.map((condition) => (
          <li key={condition.text}>
            <Icon name={condition.holds ? 'check' : 'cross'} label={condition.holds ? w.reading.matched : w.reading.notMatched} /> <code>{condition.text}</code>{' '}
            <span className="secondary">
              {Object.entries(condition.seen).map(([name, value]) => `${name} = ${JSON.stringify(value)}`).join(', ')}
            </span>
          </li>
        ))}
      </ul>
    </li>
  );
}
