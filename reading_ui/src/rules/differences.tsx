/** Two rule files compared: the rules that read differently, the rest in words, and line by line. */
import { rules as api } from '../api/rules';
import type { RuleLanguageView } from '../api/types';
import { useResource } from '../app/resource';
import { Loading } from '../parts/notes';
import { useLanguage } from '../words/language';
import { changedRules, isSaid } from './changed_rules';
import { RulesProblem } from './rules_problem';
import { ruleSentence } from './sentences';
import { diffLines, hunksOf } from './text_diff';
import { useRulesWords, useSpeaking } from './use_words';

interface Side {
  source: string;
}

export function Differences({ known, before, after }: { known: RuleLanguageView | null; before: Side; after: Side }) {
  const w = useRulesWords();
  const language = useLanguage();
  const was = useSpeaking(known, before.source);
  const is = useSpeaking(known, after.source);
  const found = useResource(async () => {
    const [{ changes }, old, now] = await Promise.all([api.compare({ from_source: before.source, to_source: after.source }), api.forms(before.source), api.forms(after.source)]);
    return { changes, old: old.forms, now: now.forms };
  }, `${before.source}\u0000${after.source}`);
  const hunks = hunksOf(diffLines(before.source, after.source));
  // A group that only got another name changes no rule.
  const changed = found.data === null ? [] : changedRules(found.data.old, found.data.now, (form) => ruleSentence(form, is));
  const others = found.data?.changes.filter((change) => !isSaid(change, changed)) ?? [];
  return (
    <div className="differences" data-testid="differences">
      <h3>{w.inWords}</h3>
      {found.data === null && (found.problem === null ? <Loading /> : <RulesProblem problem={found.problem} />)}
      {found.data !== null && changed.length + others.length === 0 && <p className="secondary">{w.noDifference}</p>}
      <ul className="changes">
        {changed.map((rule) => (
          <li key={rule.name} data-testid="rule-change" data-kind="reads">
            {w.inRule(rule.name)} {(rule.before === null || rule.after === null) && <b>{rule.before === null ? w.readAdded : w.readRemoved}</b>}
            <dl>
              {rule.before !== null && (
                <div className="diff-gone">
                  <dt>{w.readBefore}</dt>
                  <dd>{ruleSentence(rule.before, was)}</dd>
                </div>
              )}
              {rule.after !== null && (
                <div className="diff-new">
                  <dt>{w.readAfter}</dt>
                  <dd>{ruleSentence(rule.after, is)}</dd>
                </div>
              )}
            </dl>
          </li>
        ))}
        {others.map((change, at) => (
          <li key={`${change.kind}-${change.subject}-${String(at)}`} data-testid="rule-change" data-kind={change.kind}>
            {change[language]}
          </li>
        ))}
      </ul>
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
