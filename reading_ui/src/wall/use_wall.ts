/** Keeps the wall true: asks anew at every piece of news and every few seconds, and knows when no answer came. */
import { useCallback, useEffect, useRef, useState } from 'react';

import type { WallView } from '../api/types';
import { wall as api } from '../api/wall';
import { useLive, useLiveState } from '../app/live';
import { ANSWER_WITHIN_MS, ASK_EVERY_MS, type Heard } from './freshness';

const NEWS = new Set(['arrival', 'study', 'reading', 'report', 'analysis']);

export interface WallNews {
  view: WallView | null;
  heard: Heard | null;
  /** Grows with every answer that came after a silence: traces that failed are asked for again. */
  returns: number;
}

/** A clock that never jumps, in milliseconds. */
export function steadyNow(): number {
  return performance.now();
}

export function useWall(places: number): WallNews {
  const [news, setNews] = useState<WallNews>({ view: null, heard: null, returns: 0 });
  const asking = useRef({ isUp: false, isAgainWanted: false, isClosed: false });
  const limit = useRef(places);
  useEffect(() => {
    limit.current = places;
  });

  const ask = useCallback(async (): Promise<void> => {
    const state = asking.current;
    if (state.isUp) {
      state.isAgainWanted = true;
      return;
    }
    state.isUp = true;
    do {
      state.isAgainWanted = false;
      try {
        const view = await api.get(limit.current, AbortSignal.timeout(ANSWER_WITHIN_MS));
        const heard = { at_ms: steadyNow(), gateway_ms: Date.parse(view.now), isAnswered: true };
        setNews((old) => ({ view, heard, returns: old.returns + (old.heard?.isAnswered === false ? 1 : 0) }));
      } catch {
        // Whatever it was, what hangs there is old now. The time of the last answer stays.
        setNews((old) => ({ ...old, heard: old.heard === null ? null : { ...old.heard, isAnswered: false } }));
        state.isAgainWanted = false;
      }
    } while (state.isAgainWanted && !state.isClosed);
    state.isUp = false;
  }, []);

  useEffect(() => {
    asking.current.isClosed = false;
    const state = asking.current;
    void ask();
    const timer = setInterval(() => void ask(), ASK_EVERY_MS);
    const online = () => void ask();
    window.addEventListener('online', online);
    window.addEventListener('offline', online);
    return () => {
      state.isClosed = true;
      clearInterval(timer);
      window.removeEventListener('online', online);
      window.removeEventListener('offline', online);
    };
  }, [ask]);
  const live = useLiveState();
  useEffect(() => void ask(), [ask, live, places]);
  useLive((event) => NEWS.has(event.kind), () => void ask());
  return news;
}

/** The steady clock, a few times a second, so that no second is skipped on the screen. */
export function useSteadyClock(): number {
  const [now_ms, setNow] = useState(steadyNow);
  useEffect(() => {
    const timer = setInterval(() => { setNow(steadyNow()); }, 250);
    return () => { clearInterval(timer); };
  }, []);
  return now_ms;
}
