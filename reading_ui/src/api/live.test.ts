/** News that nobody repeats: when the screens are told to fetch anew. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { openLive } from './live';

class Stream {
  static last: Stream;
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  constructor() { Stream.last = this; }
  addEventListener(): void { /* nothing is sent here */ }
  close(): void { /* nothing is open */ }
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('EventSource', Stream);
  vi.stubGlobal('window', { addEventListener: () => undefined, removeEventListener: () => undefined });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function resyncs(): { close: () => void; count: () => number } {
  let count = 0;
  const close = openLive({ onEvent: () => undefined, onResync: () => { count += 1; }, onState: () => undefined });
  return { close, count: () => count };
}

test('what changed between the first fetch and the opening of the stream is fetched, however short that was', () => {
  const news = resyncs();
  expect(news.count()).toBe(0);
  Stream.last.onopen?.();
  expect(news.count()).toBe(1);
  news.close();
});

test('what changed while the stream was broken is fetched', () => {
  const news = resyncs();
  Stream.last.onopen?.();
  Stream.last.onerror?.();
  vi.advanceTimersByTime(1000);
  expect(news.count()).toBe(1);
  Stream.last.onopen?.();
  expect(news.count()).toBe(2);
  news.close();
});
