/**
 * Keys for the viewer that is meant: the only one on the page, or the one under the pointer or with the focus.
 */
import { type RefObject, useEffect, useRef } from 'react';

import { actionOf, isTyping, type KeyAction } from './keys';

/** Calls `act` for keys that mean something; what it takes is kept from the page. */
export function useKeys(frame: RefObject<HTMLElement | null>, act: (action: KeyAction) => boolean): void {
  const latest = useRef(act);
  useEffect(() => { latest.current = act; });
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const here = frame.current;
      if (here === null || event.defaultPrevented || isTyping(event.target) || !isMeant(here)) return;
      const action = actionOf(event);
      if (action === null) return;
      const isOnButton = event.target instanceof Element && event.target.closest('button, a, [role="tab"]') !== null;
      if (isOnButton && (event.key === ' ' || event.key === 'Enter')) return; // the button's own key
      if (latest.current(action)) event.preventDefault();
    };
    document.addEventListener('keydown', onKey);
    return () => { document.removeEventListener('keydown', onKey); };
  }, [frame]);
}

function isMeant(here: HTMLElement): boolean {
  const all = document.querySelectorAll('[data-viewer-frame]');
  return all.length === 1 || here.matches(':hover') || here.contains(document.activeElement);
}
