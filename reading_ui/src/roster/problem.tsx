/** What the roster refused, in this room's words where it has some. */
import type { ApiProblem } from '../api/http';
import { Note, ProblemNote } from '../parts/notes';
import { useRosterWords } from './use_words';

export function RosterProblem({ problem }: { problem: ApiProblem | null }) {
  const r = useRosterWords();
  if (problem === null) return null;
  const sentence = r.problem[problem.reason];
  if (sentence === undefined) return <ProblemNote problem={problem} />;
  return (
    <div role="alert" data-testid="problem" data-reason={problem.reason}>
      <Note tone="critical">{sentence}</Note>
    </div>
  );
}
