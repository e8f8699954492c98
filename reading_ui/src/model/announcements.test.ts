import { expect, it } from 'vitest';

import { Announcements, PAUSE_MS } from './announcements';

it('speaks at once, then at most once in five seconds, and tells together what came meanwhile', () => {
  const queue = new Announcements();
  queue.add('first');
  expect(queue.take(0)).toEqual({ message: 'first', next_ms: null });
  queue.add('second');
  queue.add('third');
  queue.add('second');
  expect(queue.take(1000)).toEqual({ message: null, next_ms: PAUSE_MS });
  expect(queue.take(PAUSE_MS)).toEqual({ message: 'second third', next_ms: null });
  expect(queue.take(PAUSE_MS * 3)).toEqual({ message: null, next_ms: null });
});
