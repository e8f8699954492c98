/** Two rule files compared: in words first, line by line below. */
import { rules as api } from '../api/rules';
import type { CompareRulesRequest } from '../api/types';
import { useResource } from '../app/resource';
import { Loading, ProblemNote } from '../parts/notes';
import { useLanguage } from '../words/language';
import { diffLines, hunksOf } from './text_diff';
import { useRulesWords } from './use_words';

interface Side {
  source: string;
}

export function Differences({ before, after }: { before: Side; after: Side }) {
  const w = useRulesWords();
  const language = useLanguage();
  const asked: CompareRulesRequest = { from_source: before.source, to_source: after.source };
  const found = useResource(() => api.compare(asked), `${before.source}\u0000${after.source}`);
  const hunks = hunksOf(diffLines(before.source, after.source));
  return (
    <div className="differences" data-testid="differences">
      <h3>{w.inWords}</h3>
      {found.data === null && (found.problem === null ? <Loading /> : <ProblemNote problem={found.problem} />)}
      {found.data !== null && found.data.changes.length === 0 && <p className="secondary">{w.noDifference}</p>}
      {found.data !== null && found.data.changes.length > 0 && (
        <ul className="changes">
          {found.data.changes.map((change, at) => (
            <li key={`${change.kind}-${change.subject}-${String(at)}`} data-testid="rule-change" data-kind={change.kind}>
              {change[language]}
            </li>
          ))}
        </ul>
      )}
      <details>
        <summary>{w.inText}</summary>
        {hunks.length === 0 ? (
          <p className="secondary">{w.sameText}</p>
        ) : (
          <pre className="text-diff" tabIndex={0} aria-label={w.inText}>
            {hunks.map((line, at) =>
              line === null ? (
                <span key={`gap-${String(at)}`} className="diff-gap">{w.leftOut}</span>
              ) : (
                <span key={`${line.kind}-${String(line.before)}-${String(line.after)}`} className={`diff-${line.kind}`}>
                  <span className="diff-number">{line.after ?? line.before}</span>
                  <span aria-hidden>{{ same: ' ', gone: '−', new: '+' }[line.kind]}</span> {line.text}
                </span>
              ),
            )}
          </pre>
        )}
      </details>
    </div>
  );
}
