/** What `check` found, each with its place; a press leads there. */
import type { RuleProblemView } from '../api/types';
import { useLanguage } from '../words/language';
import type { Rules } from './use_rules';
import { useRulesWords } from './use_words';

export function ProblemList({ rules, onGo }: { rules: Rules; onGo: (line: number, column: number) => void }) {
  const w = useRulesWords();
  const language = useLanguage();
  const check = rules.checked?.check;
  if (check === undefined || check.problems.length === 0) return null;
  const ruleAt = ({ line }: RuleProblemView): string | null => check.rules.filter((rule) => rule.line <= line).at(-1)?.name ?? null;
  const errors = check.problems.filter((problem) => !problem.is_warning);
  const warnings = check.problems.filter((problem) => problem.is_warning);
  const list = (problems: RuleProblemView[]) => (
    <ul className="problems" aria-label={w.problemsTitle} data-testid="rules-problems">
      {problems.map((problem, at) => {
        const rule = ruleAt(problem);
        return (
          <li key={`${String(problem.line)}-${String(problem.column)}-${String(at)}`} data-testid="rules-problem" data-warning={problem.is_warning}>
            <button type="button" onClick={() => { onGo(problem.line, problem.column); }}>
              <b className={problem.is_warning ? 'is-warning' : 'is-error'}>{problem.is_warning ? w.isWarning : w.isError}</b>
              <span>{problem[language]}</span>
              <span className="secondary">
                {rule !== null && `${w.inRule(rule)} · `}
                {w.atLine(problem.line, problem.column)}
              </span>
            </button>
          </li>
        );
      })}
    </ul>
  );
  return (
    <>
      {errors.length > 0 && list(errors)}
      {warnings.length > 0 && (
        <details className="warnings">
          <summary data-testid="rules-warnings">{w.warnings(warnings.length)}</summary>
          {list(warnings)}
        </details>
      )}
    </>
  );
}
