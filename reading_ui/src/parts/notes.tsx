/** What a screen says when there is nothing, when it waits, and when something failed. */
import type { ReactNode } from 'react';

import type { ApiProblem } from '../api/http';
import { said, useWords } from '../words';
import { Icon } from './icons';

export function ProblemNote({ problem, onRetry }: { problem: ApiProblem | null; onRetry?: () => void }) {
  const w = useWords();
  if (problem === null) return null;
  const sentence = w.common.problem[problem.reason] ?? w.common.problem.failed;
  const isKnown = problem.reason in w.common.problem;
  return (
    <div className="note note-critical" role="alert" data-testid="problem" data-reason={problem.reason}>
      <Icon name="warning" />
      <div>
        <p>{isKnown ? sentence : `${said(w.common.problem, 'failed')} (${problem.reason})`}</p>
        {problem.detail !== '' && (problem.reason === 'invalid' || !isKnown) && <p className="secondary">{problem.detail}</p>}
      </div>
      {onRetry && (
        <button type="button" className="button" onClick={onRetry}>
          {w.common.retry}
        </button>
      )}
    </div>
  );
}

export function Empty({ children }: { children: ReactNode }) {
  return <div className="empty">{children}</div>;
}

export function Loading() {
  const w = useWords();
  return <div className="empty secondary">{w.common.loading}</div>;
}

export function Note({ tone, children }: { tone: 'ok' | 'warning' | 'critical' | 'plain'; children: ReactNode }) {
  return (
    <div className={`note note-${tone}`}>
      {tone !== 'plain' && <Icon name={tone === 'ok' ? 'check' : 'warning'} />}
      <div>{children}</div>
    </div>
  );
}
