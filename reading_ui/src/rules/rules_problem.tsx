/** What the gateway refused about rules, in this room's own words; everything else as on every page. */
import type { ApiProblem } from '../api/http';
import { Note, ProblemNote } from '../parts/notes';
import { useLanguage } from '../words/language';
import { useRulesWords } from './use_words';

/** Reasons whose detail holds sentences in both languages, "… / …", one a line. */
const IN_BOTH_LANGUAGES = new Set(['rules-invalid', 'edit-refused']);

export function RulesProblem({ problem }: { problem: ApiProblem | null }) {
  const w = useRulesWords();
  const language = useLanguage();
  const said = problem === null ? undefined : w.problem[problem.reason];
  if (problem === null || said === undefined) return <ProblemNote problem={problem} />;
  const lines = IN_BOTH_LANGUAGES.has(problem.reason) ? problem.detail.split('\n').map((line) => halfOf(line, language)) : [];
  return (
    <Note tone="critical">
      <p role="alert" data-testid="rules-refused" data-reason={problem.reason}>
        {said}
      </p>
      {lines.map((line) => <p key={line}>{line}</p>)}
    </Note>
  );
}

/** "3:7: 中文 / English" is one problem in both languages; the place stays. */
export function halfOf(line: string, language: 'zh' | 'en'): string {
  const at = line.indexOf(' / ');
  if (at < 0) return line;
  const place = /^\d+:\d+: /u.exec(line)?.[0] ?? '';
  return language === 'zh' ? line.slice(0, at) : place + line.slice(at + 3);
}
