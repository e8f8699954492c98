/** Statements offered while a short code is typed in the report itself: under the text, taken by Enter, left by Esc. */
import { type RefObject, useEffect, useRef, useState } from 'react';
import { createPortal } from 'react-dom';

import type { EcgStatementView } from '../api/types';
import { byCode, codeBefore } from '../model/statement_search';
import { useLanguage, useRoomWords } from '../words/language';
import * as words from './words_statements';

export type Section = 'technique' | 'findings' | 'impression';
export type Areas = RefObject<Record<Section, HTMLTextAreaElement | null>>;
/** Puts words in place of what lies between two positions of a section. */
export type Insert = (section: Section, words: string, start: number, end: number) => void;

interface Offer {
  section: Section;
  area: HTMLTextAreaElement;
  start: number;
  end: number;
  found: EcgStatementView[];
  at: number;
}

interface SuggestionsProps {
  areas: Areas;
  items: readonly EcgStatementView[];
  onInsert: Insert;
}

const MOST_OFFERED = 6;

export function CodeSuggestions({ areas, items, onInsert }: SuggestionsProps) {
  const w = useRoomWords(words);
  const language = useLanguage();
  const [offer, setOffer] = useState<Offer | null>(null);
  const now = useRef({ offer, items, onInsert });
  useEffect(() => {
    now.current = { offer, items, onInsert };
  });

  const take = (taken: Offer, index: number): void => {
    const item = taken.found[index];
    if (item === undefined) return;
    onInsert(taken.section, item.zh, taken.start, taken.end);
    setOffer(null);
  };

  useEffect(() => {
    const sectionOf = (target: EventTarget | null): Section | undefined =>
      (['technique', 'findings', 'impression'] as const).find((section) => areas.current[section] !== null && areas.current[section] === target);
    const look = (event: Event): void => {
      const section = sectionOf(event.target);
      const area = section === undefined ? null : areas.current[section];
      if (section === undefined || area === null) return;
      const isComposing = event instanceof InputEvent && event.isComposing;
      const code = isComposing || area.selectionStart !== area.selectionEnd ? null : codeBefore(area.value, area.selectionStart);
      const found = code === null ? [] : byCode(now.current.items, code.code, MOST_OFFERED);
      setOffer(code === null || found.length === 0 ? null : { section, area, start: code.start, end: area.selectionStart, found, at: 0 });
    };
    const press = (event: KeyboardEvent): void => {
      const open = now.current.offer;
      if (open === null || event.target !== open.area || event.isComposing || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step !== undefined) setOffer({ ...open, at: Math.min(open.found.length - 1, Math.max(0, open.at + step)) });
      else if (event.key === 'Enter') {
        const item = open.found[open.at];
        if (item !== undefined) now.current.onInsert(open.section, item.zh, open.start, open.end);
        setOffer(null);
      } else if (event.key === 'Escape') setOffer(null);
      else {
        if (event.key.length > 1 && event.key !== 'Backspace') setOffer(null); // the caret goes elsewhere
        return;
      }
      event.preventDefault();
      event.stopPropagation();
    };
    const leave = (): void => { setOffer(null); };
    document.addEventListener('input', look);
    document.addEventListener('keydown', press, true);
    document.addEventListener('focusout', leave);
    document.addEventListener('pointerdown', leave);
    return () => {
      document.removeEventListener('input', look);
      document.removeEventListener('keydown', press, true);
      document.removeEventListener('focusout', leave);
      document.removeEventListener('pointerdown', leave);
    };
  }, [areas]);

  const place = offer?.area.closest('.section');
  if (offer === null || place == null) return null;
  return createPortal(
    <div className="statement-offer" role="status" data-testid="statement-offer">
      <small className="secondary">{w.suggestions}</small>
      <ul className="statement-list">
        {offer.found.map((item, index) => (
          <li key={item.id} className={index === offer.at ? 'on' : ''} data-testid="statement-offered"
            onPointerDown={(event) => {
              event.preventDefault();
              event.stopPropagation();
              take(offer, index);
            }}>
            <code>{item.short_code}</code> <span>{item.zh}{language === 'en' && <span className="secondary"> {item.en}</span>}</span>
          </li>
        ))}
      </ul>
    </div>, place);
}
