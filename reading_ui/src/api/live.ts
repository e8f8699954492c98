/**
 * News from the server: one EventSource for the whole page, reopened with growing pauses when it breaks.
 *
 * After every break the screens fetch anew ("resync"), because what happened meanwhile is not repeated. So they do when
 * the first opening was slow: they have fetched before it, and nothing that changed in between is told.
 */
import type { LiveEvent } from './types';

export type LiveState = 'connecting' | 'open' | 'lost';

export interface LiveListener {
  onEvent: (event: LiveEvent) => void;
  onResync: () => void;
  onState: (state: LiveState) => void;
}

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;
const SLOW_OPENING_MS = 300;

/** Opens the stream; returns how to close it. */
export function openLive(listener: LiveListener): () => void {
  let source: EventSource | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let pauseMs = FIRST_PAUSE_MS;
  let hasBeenOpen = false;
  const began = performance.now();

  const open = (): void => {
    clearTimeout(timer);
    source?.close();
    source = new EventSource('/api/events');
    source.onopen = () => {
      pauseMs = FIRST_PAUSE_MS;
      listener.onState('open');
      if (hasBeenOpen || performance.now() - began > SLOW_OPENING_MS) listener.onResync();
      hasBeenOpen = true;
    };
    source.onerror = () => {
      // The browser's own retry gives up after an error answer and hammers after a cut; ours does neither.
      source?.close();
      listener.onState('lost');
      timer = setTimeout(open, pauseMs);
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    };
    source.addEventListener('change', (message) => {
      const event = JSON.parse(String(message.data)) as LiveEvent;
      if (event.kind === 'resync') listener.onResync();
      else listener.onEvent(event);
    });
    source.addEventListener('resync', () => {
      listener.onResync();
    });
  };

  window.addEventListener('online', open);
  open();
  return () => {
    window.removeEventListener('online', open);
    clearTimeout(timer);
    source?.close();
  };
}
