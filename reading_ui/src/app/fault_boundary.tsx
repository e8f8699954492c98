/** A fault in one page must not take the frame down, nor the way back to the list. */
import { Component, type ReactNode } from 'react';

import { useWords } from '../words';
import { Icon } from '../parts/icons';

export class FaultBoundary extends Component<{ children: ReactNode }, { hasFailed: boolean }> {
  override state = { hasFailed: false };

  static getDerivedStateFromError(): { hasFailed: boolean } {
    return { hasFailed: true };
  }

  override render(): ReactNode {
    return this.state.hasFailed ? <Fault /> : this.props.children;
  }
}

function Fault() {
  const w = useWords();
  return (
    <div className="empty" role="alert" data-testid="fault">
      <p>
        <Icon name="warning" /> {w.shell.broken}
      </p>
      <p className="secondary">{w.shell.brokenHint}</p>
      <button type="button" className="button" onClick={() => { window.location.reload(); }}>
        {w.shell.reload}
      </button>
    </div>
  );
}
