/** States as shape and word together; colour only repeats what they say. */
import type { NameView } from '../api/types';
import { said, useWords } from '../words';

const SHAPES: Record<string, string> = {
  emergency: 'M8 1 15 8 8 15 1 8z',
  urgent: 'M8 2 15 14H1z',
  routine: 'M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6z',
};

export function PriorityMark({ priority }: { priority: string }) {
  const w = useWords();
  return (
    <span className={`mark priority-${priority}`} data-testid="priority">
      <svg className="icon" viewBox="0 0 16 16" width="12" height="12" aria-hidden>
        <path d={SHAPES[priority] ?? SHAPES.routine} fill="currentColor" />
      </svg>
      {said(w.common.priority, priority)}
    </span>
  );
}

/** How far a reading is, as a filling ring: empty is unread, full with a tick is final. They never look alike (K5). */
const RINGS: Record<string, string> = {
  unread: 'M8 3.500a4.500 4.500 0 1 0 0 9 4.500 4.500 0 0 0 0-9z',
  in_progress: 'M8 3.500a4.500 4.500 0 1 0 0 9 4.500 4.500 0 0 0 0-9zM8 8V3.500A4.500 4.500 0 0 1 12.500 8z',
  awaiting_review: 'M8 3.500a4.500 4.500 0 1 0 0 9 4.500 4.500 0 0 0 0-9zM8 3.500a4.500 4.500 0 0 1 0 9z',
  in_review: 'M8 3.500a4.500 4.500 0 1 0 0 9 4.500 4.500 0 0 0 0-9zM8 8H3.500A4.500 4.500 0 1 0 8 3.500z',
  final: 'M3 8.500 6.500 12 13 4.500',
  returned: 'M13 8H4M7.500 4 3.500 8l4 4',
  rejected: 'M4.500 4.500l7 7M11.500 4.500l-7 7',
};

export function StateMark({ state }: { state: string }) {
  const w = useWords();
  return (
    <span className={`mark state-${state}`} data-testid="state" data-state={state}>
      <svg className="icon" viewBox="0 0 16 16" width="14" height="14" aria-hidden>
        <path
          d={RINGS[state] ?? RINGS.unread}
          fill={['in_progress', 'awaiting_review', 'in_review'].includes(state) ? 'currentColor' : 'none'}
          fillRule="evenodd"
          stroke="currentColor"
          strokeWidth={state === 'final' ? 2.5 : 1.5}
          strokeLinecap="round"
          strokeLinejoin="round"
        />
      </svg>
      {said(w.common.state, state)}
    </span>
  );
}

export function ReportStateMark({ state }: { state: string }) {
  const w = useWords();
  return (
    <span className={`badge report-${state}`} data-testid="report-state" data-state={state}>
      {said(w.common.reportState, state)}
    </span>
  );
}

export function PatientName({ name }: { name: NameView }) {
  const w = useWords();
  return (
    <span className="patient-name">
      {name.display === '' ? w.common.unknown : name.display}
      {name.is_guessed && (
        <abbr className="guessed" title={w.common.guessedHint(name.encoding)} data-testid="guessed-name">
          {w.common.guessed}
        </abbr>
      )}
    </span>
  );
}
