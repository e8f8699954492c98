/** Speaks to screen readers without flooding them: a polite live region, one message per five seconds. */
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useRef, useState } from 'react';

import { Announcements } from '../model/announcements';

const AnnounceContext = createContext<(message: string) => void>(() => undefined);

export function AnnouncerProvider({ children }: { children: ReactNode }) {
  const queue = useMemo(() => new Announcements(), []);
  const [message, setMessage] = useState('');
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const speak = useCallback(() => {
    clearTimeout(timer.current);
    const next = queue.take(Date.now());
    if (next.message !== null) setMessage(next.message);
    if (next.next_ms !== null) timer.current = setTimeout(speak, next.next_ms - Date.now());
  }, [queue]);
  const announce = useCallback(
    (words: string) => {
      queue.add(words);
      speak();
    },
    [queue, speak],
  );
  useEffect(() => () => { clearTimeout(timer.current); }, []);
  return (
    <AnnounceContext value={announce}>
      {children}
      <div className="visually-hidden" role="status" aria-live="polite" data-testid="announcer">
        {message}
      </div>
    </AnnounceContext>
  );
}

export function useAnnounce(): (message: string) => void {
  return useContext(AnnounceContext);
}
