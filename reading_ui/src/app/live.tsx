/** Live events for all pages from one stream; a page says what it wants to hear. */
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useRef, useState } from 'react';

import { session } from '../api/endpoints';
import { type LiveState, openLive } from '../api/live';
import type { LiveEvent } from '../api/types';

type Handler = (event: LiveEvent | null) => void;

interface Live {
  state: LiveState;
  subscribe: (handler: Handler) => () => void;
}

const LiveContext = createContext<Live | null>(null);

/** `isOn` is false while nobody is logged in; coming back, every screen fetches anew. */
export function LiveProvider({ isOn, children }: { isOn: boolean; children: ReactNode }) {
  const [state, setState] = useState<LiveState>('connecting');
  const handlers = useRef(new Set<Handler>());
  const wasOn = useRef(false);
  useEffect(() => {
    const tell = (event: LiveEvent | null): void => {
      for (const handler of handlers.current) handler(event);
    };
    if (!isOn) return undefined;
    if (wasOn.current) tell(null);
    wasOn.current = true;
    return openLive({
      onEvent: tell,
      onResync: () => { tell(null); },
      onState: (next) => {
        setState(next);
        // A stream that ends may mean a login that ended: asking tells, and the answer is acted on where it arrives.
        if (next === 'lost') session.get().catch(() => undefined);
      },
    });
  }, [isOn]);
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
