/** Live events for all pages from one stream; a page says what it wants to hear. */
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useRef, useState } from 'react';

import { type LiveState, openLive } from '../api/live';
import type { LiveEvent } from '../api/types';

type Handler = (event: LiveEvent | null) => void;

interface Live {
  state: LiveState;
  subscribe: (handler: Handler) => () => void;
}

const LiveContext = createContext<Live | null>(null);

export function LiveProvider({ children }: { children: ReactNode }) {
  const [state, setState] = useState<LiveState>('connecting');
  const handlers = useRef(new Set<Handler>());
  useEffect(() => {
    const tell = (event: LiveEvent | null): void => {
      for (const handler of handlers.current) handler(event);
    };
    return openLive({ onEvent: tell, onResync: () => { tell(null); }, onState: setState });
  }, []);
  // Stays the same when the connection comes and goes, so that no listener is taken down with gathered news.
  const subscribe = useCallback((handler: Handler) => {
    handlers.current.add(handler);
    return () => {
      handlers.current.delete(handler);
    };
  }, []);
  const live = useMemo<Live>(() => ({ state, subscribe }), [state, subscribe]);
  return <LiveContext value={live}>{children}</LiveContext>;
}

export function useLiveState(): LiveState {
  return useContext(LiveContext)?.state ?? 'connecting';
}

const GATHER_MS = 200;

/**
 * Calls back when something within sight has changed; several changes in a row are one call.
 * `cares` picks the events; a break in the stream always counts, as null.
 */
export function useLive(cares: (event: LiveEvent) => boolean, onChange: (events: LiveEvent[]) => void): void {
  const live = useContext(LiveContext);
  const latest = useRef({ cares, onChange });
  useEffect(() => {
    latest.current = { cares, onChange };
  });
  const subscribe = live?.subscribe;
  useEffect(() => {
    if (subscribe === undefined) return undefined;
    let gathered: LiveEvent[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = subscribe((event) => {
      if (event !== null && !latest.current.cares(event)) return;
      if (event !== null) gathered.push(event);
      timer ??= setTimeout(() => {
        const events = gathered;
        gathered = [];
        timer = undefined;
        latest.current.onChange(events);
      }, GATHER_MS);
    });
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, [subscribe]);
}
