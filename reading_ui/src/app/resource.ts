/**
 * Something fetched for a screen. While it is fetched anew the old value stays, so that nothing flashes.
 */
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';

import { ApiProblem } from '../api/http';

export interface Resource<T> {
  data: T | null;
  problem: ApiProblem | null;
  isLoading: boolean;
  reload: () => void;
  /** Puts in a newer value that an action returned. */
  replace: (data: T) => void;
}

export function useResource<T>(load: (signal: AbortSignal) => Promise<T>, key: string): Resource<T> {
  const [state, setState] = useState<{ key: string; data: T | null; problem: ApiProblem | null; isLoading: boolean }>({
    key, data: null, problem: null, isLoading: true,
  });
  const latest = useRef(load);
  useEffect(() => {
    latest.current = load;
  });
  const [round, setRound] = useState(0);
  // News may come faster than a slow line answers: a running fetch is finished, then one more is made.
  const flight = useRef({ isUp: false, isAgainAsked: false });

  useEffect(() => {
    const stop = new AbortController();
    const running = { isUp: true, isAgainAsked: false };
    flight.current = running;
    const landed = (): void => {
      running.isUp = false;
      if (running.isAgainAsked && !stop.signal.aborted) setRound((count) => count + 1);
    };
    setState((old) => ({ key, data: old.key === key ? old.data : null, problem: null, isLoading: true }));
    latest
      .current(stop.signal)
      .then((data) => {
        if (!stop.signal.aborted) setState({ key, data, problem: null, isLoading: false });
      })
      .catch((error: unknown) => {
        if (stop.signal.aborted) return;
        setState((old) => ({ ...old, problem: problemFrom(error), isLoading: false }));
      })
      .finally(landed);
    return () => {
      stop.abort();
    };
  }, [key, round]);

  const reload = useCallback(() => {
    if (flight.current.isUp) flight.current.isAgainAsked = true;
    else setRound((count) => count + 1);
  }, []);
  const replace = useCallback((data: T) => {
    setState((old) => ({ ...old, data, problem: null }));
  }, []);
  const isCurrent = state.key === key;
  return { data: isCurrent ? state.data : null, problem: isCurrent ? state.problem : null, isLoading: !isCurrent || state.isLoading, reload, replace };
}

/**
 * The same object as long as it says the same: news about a reading must not make its viewer open the study again.
 */
export function useSame<T>(value: T): T {
  const text = JSON.stringify(value);
  return useMemo(() => JSON.parse(text) as T, [text]);
}

/** Errors of the server are told; anything else is a fault of ours and goes to the error boundary's log. */
export function problemFrom(error: unknown): ApiProblem {
  return error instanceof ApiProblem ? error : new ApiProblem(0, 'failed', String(error));
}

export interface Action<A extends unknown[]> {
  run: (...args: A) => Promise<boolean>;
  isBusy: boolean;
  problem: ApiProblem | null;
  clear: () => void;
}

/** An act of the person: runs once at a time and keeps what the server refused. Resolves to whether it was done. */
export function useAction<A extends unknown[]>(act: (...args: A) => Promise<void>): Action<A> {
  const [state, setState] = useState<{ isBusy: boolean; problem: ApiProblem | null }>({ isBusy: false, problem: null });
  const latest = useRef(act);
  const busy = useRef(false);
  useEffect(() => {
    latest.current = act;
  });
  const run = useCallback(async (...args: A): Promise<boolean> => {
    if (busy.current) return false;
    busy.current = true;
    setState({ isBusy: true, problem: null });
    try {
      await latest.current(...args);
      setState({ isBusy: false, problem: null });
      return true;
    } catch (error) {
      setState({ isBusy: false, problem: problemFrom(error) });
      return false;
    } finally {
      busy.current = false;
    }
  }, []);
  const clear = useCallback(() => { setState({ isBusy: false, problem: null }); }, []);
  return { run, ...state, clear };
}
