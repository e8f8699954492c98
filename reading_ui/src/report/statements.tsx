/**
 * The statement library beside an ECG report: by the short code typed where one writes, by search, or by click in groups.
 * Words enter a report only by the doctor's press (K2). Loaded with the first ECG report.
 */
import './statements.css';

import { type KeyboardEvent as ReactKeyboardEvent, type RefObject, useEffect, useId, useRef, useState } from 'react';

import { ecg as api } from '../api/ecg';
import type { EcgStatementView } from '../api/types';
import { useResource } from '../app/resource';
import { search, separated } from '../model/statement_search';
import { ProblemNote } from '../parts/notes';
import { useLanguage, useRoomWords } from '../words/language';
import { type Areas, CodeSuggestions, type Insert, type Section } from './code_suggestions';
import * as words from './words_statements';

interface StatementsProps {
  areas: Areas;
  headings: Record<Section, string>;
  /** Where the caret last stood; a conclusion where it never stood anywhere. */
  last: RefObject<Section | null>;
  onInsert: Insert;
}

const MOST_SHOWN = 40;

export default function Statements({ areas, headings, last, onInsert }: StatementsProps) {
  const w = useRoomWords(words);
  const language = useLanguage();
  const library = useResource((signal) => api.statements(signal), 'statements');
  const [typed, setTyped] = useState('');
  const [group, setGroup] = useState('');
  const [isOpen, setOpen] = useState(false);
  const [at, setAt] = useState(0);
  const [done, setDone] = useState('');
  const field = useRef<HTMLInputElement>(null);
  const list = useId();
  const all = library.data?.items ?? [];
  const found = search(all, typed.trim(), group);
  const shown = found.slice(0, MOST_SHOWN);

  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key !== 'F4' || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
      event.preventDefault();
      field.current?.focus();
      field.current?.select();
    };
    window.addEventListener('keydown', onKey);
    return () => { window.removeEventListener('keydown', onKey); };
  }, []);

  const put = (item: EcgStatementView): void => {
    const section = last.current ?? 'impression';
    const area = areas.current[section];
    if (area === null) return;
    // Never entered: behind what the template wrote; else at the caret, over what is selected there.
    const [start, end] = last.current === null ? [area.value.length, area.value.length] : [area.selectionStart, area.selectionEnd];
    onInsert(section, separated(area.value, start, item.zh), start, end);
    setDone(w.inserted(headings[section], item.zh));
    setTyped('');
    setAt(0);
  };
  const press = (event: ReactKeyboardEvent): void => {
    if (event.nativeEvent.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) setAt((old) => Math.min(shown.length - 1, Math.max(0, old + step)));
    else if (event.key === 'Enter' && shown[at] !== undefined) put(shown[at]);
    else if (event.key === 'Escape') {
      setOpen(false);
      areas.current[last.current ?? 'impression']?.focus();
    } else return;
    event.preventDefault();
  };
  return (
    <section className="statements" aria-label={w.title} data-testid="statements"
      onBlur={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget)) setOpen(false);
      }}>
      <div className="statements-row">
        <label htmlFor={`${list}-field`}>{w.title} <kbd>F4</kbd></label>
        <input id={`${list}-field`} ref={field} className="control" type="search" role="combobox" aria-expanded={isOpen} aria-controls={list} aria-activedescendant={isOpen && shown.length > 0 ? `${list}-${String(at)}` : undefined}
          autoComplete="off" placeholder={w.find} value={typed} data-testid="statement-search"
          onFocus={() => { setOpen(true); }}
          onKeyDown={press}
          onChange={(event) => {
            setTyped(event.target.value);
            setAt(0);
            setOpen(true);
          }} />
        <select className="control" aria-label={w.group} value={group} data-testid="statement-group"
          onChange={(event) => {
            setGroup(event.target.value);
            setAt(0);
            setOpen(true);
          }}>
          <option value="">{w.allGroups}</option>
          {library.data?.groups.map((one) => <option key={one.id} value={one.id}>{one[language]}</option>)}
        </select>
      </div>
      <ProblemNote problem={library.problem} onRetry={library.reload} />
      {isOpen && library.data !== null && (
        <ul id={list} className="statement-list" role="listbox" aria-label={w.title} data-testid="statement-list">
          {shown.map((item, index) => (
            <li key={item.id} id={`${list}-${String(index)}`} role="option" aria-selected={index === at} data-testid="statement" data-id={item.id} ref={index === at ? intoView : undefined}
              onPointerDown={(event) => { event.preventDefault(); }} onClick={() => { put(item); }}>
              <Sentence item={item} isEnglish={language === 'en'} />
            </li>
          ))}
          {shown.length === 0 && <li className="secondary">{w.none}</li>}
          {found.length > shown.length && <li className="secondary">{w.more(found.length - shown.length)}</li>}
        </ul>
      )}
      <p className="statement-done" role="status" data-testid="statement-done">{done}</p>
      <CodeSuggestions areas={areas} items={all} onInsert={onInsert} />
    </section>
  );
}

function Sentence({ item, isEnglish }: { item: EcgStatementView; isEnglish: boolean }) {
  return (
    <>
      <code>{item.short_code}</code> <span>{item.zh}{isEnglish && <span className="secondary"> {item.en}</span>}</span>
      {item.code !== '' && <small className="secondary" title={item.scheme}>{item.code}</small>}
    </>
  );
}

function intoView(element: HTMLLIElement | null): void {
  element?.scrollIntoView({ block: 'nearest' });
}
