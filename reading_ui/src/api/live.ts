/**
 * News from the server: one EventSource for the whole page, reopened with growing pauses when it breaks.
 *
 * Whenever the stream opens, the screens fetch anew ("resync"), because what happened before is not repeated. So they do
 * at the first opening, however quick: they have fetched before it, and what changed in between is told to nobody.
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

/** Opens the stream; returns how to close it. */
export function openLive(listener: LiveListener): () => void {
  let source: EventSource | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let pauseMs = FIRST_PAUSE_MS;

  const open = (): void => {
    clearTimeout(timer);
    source?.close();
    source = new EventSource('/api/events');
    source.onopen = () => {
      pauseMs = FIRST_PAUSE_MS;
      listener.onState('open');
      listener.onResync();
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
