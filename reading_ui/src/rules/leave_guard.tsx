/** Says, before somebody leaves, that what was written is not in force. The draft itself stays in the browser. */
import { useEffect, useState } from 'react';

import { navigate } from '../app/router';
import { AppDialog } from '../parts/dialog';
import { useRulesWords } from './use_words';

export function LeaveGuard({ isDirty }: { isDirty: boolean }) {
  const w = useRulesWords();
  const [leavingTo, setLeavingTo] = useState<string | null>(null);
  useEffect(() => {
    if (!isDirty) return undefined;
    const close = (event: BeforeUnloadEvent): void => { event.preventDefault(); };
    // Links of the shell are caught before the router follows them.
    const follow = (event: MouseEvent): void => {
      const link = event.target instanceof Element ? event.target.closest('a[href]') : null;
      const href = link?.getAttribute('href') ?? '';
      const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey && link?.getAttribute('target') !== '_blank' && !link?.hasAttribute('download');
      if (!isPlain || !href.startsWith('/') || href.split('?')[0] === window.location.pathname) return;
      event.preventDefault();
      event.stopPropagation();
      setLeavingTo(href);
    };
    window.addEventListener('beforeunload', close);
    document.addEventListener('click', follow, true);
    return () => {
      window.removeEventListener('beforeunload', close);
      document.removeEventListener('click', follow, true);
    };
  }, [isDirty]);
  if (leavingTo === null) return null;
  return (
    <AppDialog title={w.leaveTitle} onClose={() => { setLeavingTo(null); }} testId="rules-leave">
      <p>{w.leaveHint}</p>
      <footer>
        <button type="button" className="button primary" autoFocus onClick={() => { setLeavingTo(null); }}>
          {w.stay}
        </button>
        <button type="button" className="button" onClick={() => { navigate(leavingTo); }} data-testid="rules-leave-now">
          {w.leave}
        </button>
      </footer>
    </AppDialog>
  );
}
