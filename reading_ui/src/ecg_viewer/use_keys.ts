/** The keys of the page, as long as nobody types. Raw is a toggle when pressed, and a glance when held. */
import { type RefObject, useEffect, useRef } from 'react';

import { type Action, actionOf, isTyping } from './keys';
import type { Change } from './state';

const HELD_MS = 400;

export function useKeys(root: RefObject<HTMLElement | null>, act: (action: Action) => void, isRaw: boolean, isNothingFiltered: boolean, change: (to: Change) => void): void {
  const held = useRef<{ since: number; was: boolean } | null>(null);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const target = event.target;
      const isOurs = target === document.body || (target instanceof Node && root.current?.contains(target) === true);
      if (!isOurs || isTyping(target)) return;
      const action = actionOf(event);
      if (action === null) return;
      event.preventDefault();
      if (action.do !== 'raw') act(action);
      else if (!event.repeat && !isNothingFiltered) {
        held.current = { since: event.timeStamp, was: isRaw };
        act(action);
      }
    };
    const release = (event: KeyboardEvent) => {
      if (held.current === null || event.key.toLowerCase() !== 'u') return;
      if (event.timeStamp - held.current.since > HELD_MS) change({ do: 'raw-until', isRaw: held.current.was });
      held.current = null;
    };
    window.addEventListener('keydown', press);
    window.addEventListener('keyup', release);
    return () => {
      window.removeEventListener('keydown', press);
      window.removeEventListener('keyup', release);
    };
  }, [root, act, change, isRaw, isNothingFiltered]);
}
