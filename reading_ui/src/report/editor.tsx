/** Where a report is written: three plain texts, two flags, and a draft that is always on the server. */
import { lazy, type RefObject, Suspense, useCallback, useEffect, useLayoutEffect, useRef } from 'react';

import type { ReportTextView, StudyView } from '../api/types';
import { isBlank } from '../model/draft';
import { confirmedAt, inserted, nextPlaceholder, placeholdersIn, unconfirmedIn } from '../model/placeholders';
import { CheckField } from '../parts/field';
import { Note } from '../parts/notes';
import { useFormat } from '../words';
import { PlaceholderArea } from './placeholder_area';
import { TemplatePicker } from './template_picker';
import type { DraftHandle } from './use_draft';
import { useReportWords } from './use_words';

const SECTIONS = ['technique', 'findings', 'impression'] as const;
type Section = (typeof SECTIONS)[number];

const Statements = lazy(() => import('./statements'));

interface EditorProps {
  study: StudyView;
  handle: DraftHandle;
  insert: RefObject<((text: string) => void) | null>;
}

export function Editor({ study, handle, insert }: EditorProps) {
  const w = useReportWords();
  const { draft, type, flush } = handle;
  const areas = useRef<Record<Section, HTMLTextAreaElement | null>>({ technique: null, findings: null, impression: null });
  /** Where the caret last stood; null until a text was entered, and after a template. */
  const last = useRef<Section | null>(null);
  const caret = useRef<{ section: Section; at: number } | null>(null);
  const latest = useRef(draft.text);
  useLayoutEffect(() => {
    latest.current = draft.text;
    const wanted = caret.current;
    if (wanted === null) return;
    caret.current = null;
    areas.current[wanted.section]?.setSelectionRange(wanted.at, wanted.at);
  }, [draft.text]);

  const put = useCallback((change: Partial<ReportTextView>): void => { type({ ...latest.current, ...change }); }, [type]);

  const replace = useCallback((section: Section, words: string, start: number, end: number): void => {
    const result = inserted(latest.current[section], words, start, end);
    caret.current = { section, at: result.caret };
    put({ [section]: result.text });
  }, [put]);

  useEffect(() => {
    insert.current = (words) => {
      const section = last.current ?? 'findings';
      const area = areas.current[section];
      const text = latest.current[section];
      replace(section, words, area?.selectionStart ?? text.length, area?.selectionEnd ?? text.length);
    };
    return () => {
      insert.current = null;
    };
  }, [insert, replace]);

  const goToNext = useCallback((): void => {
    const from = SECTIONS.indexOf(last.current ?? 'technique');
    for (let step = 0; step <= SECTIONS.length; step += 1) {
      const section = SECTIONS[(from + step) % SECTIONS.length] ?? 'findings';
      const area = areas.current[section];
      const at = step === 0 && last.current !== null ? (area?.selectionEnd ?? 0) : 0;
      const found = nextPlaceholder(latest.current[section], at);
      if (area === null || found === null || (step === 0 && found.start < at)) continue;
      area.focus();
      area.setSelectionRange(found.start, found.end);
      area.scrollIntoView({ block: 'nearest' });
      return;
    }
  }, []);

  /** Confirms the selected number of the gateway; where none is selected, selects the next one and changes nothing. */
  const confirmMeasured = useCallback((): void => {
    const section = SECTIONS.find((one) => unconfirmedIn(latest.current[one]).length > 0);
    const area = section === undefined ? null : areas.current[section];
    if (section === undefined || area === null) return;
    const text = latest.current[section];
    const isHere = last.current === section && area.selectionStart !== area.selectionEnd;
    const done = isHere ? confirmedAt(text, area.selectionStart, area.selectionEnd) : null;
    const next = unconfirmedIn(done?.text ?? text)[0];
    const select = (): void => {
      area.focus();
      if (next !== undefined) area.setSelectionRange(next.start, next.end);
      else if (done !== null) area.setSelectionRange(done.caret, done.caret);
    };
    if (done === null) {
      select(); // at once: the next key may follow the click sooner than a frame is painted
      return;
    }
    put({ [section]: done.text });
    requestAnimationFrame(select);
  }, [put]);

  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.isComposing) return;
      if (event.key === 'Enter' && event.altKey && !event.ctrlKey && !event.metaKey) {
        event.preventDefault();
        confirmMeasured();
        return;
      }
      if (event.key === 'F2' && !event.ctrlKey && !event.altKey && !event.metaKey) {
        event.preventDefault();
        goToNext();
      } else if (event.key.toLowerCase() === 's' && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey) {
        event.preventDefault();
        void flush();
      }
    };
    window.addEventListener('keydown', onKey);
    return () => { window.removeEventListener('keydown', onKey); };
  }, [goToNext, flush, confirmMeasured]);

  const headings = w.report.sections[study.kind === 'ecg' ? 'ecg' : study.modality === 'US' ? 'us' : 'image'];
  const unconfirmed = SECTIONS.reduce((sum, section) => sum + unconfirmedIn(draft.text[section]).length, 0);
  const open = SECTIONS.reduce((sum, section) => sum + placeholdersIn(draft.text[section]).length, 0);
  return (
    <div className="editor" data-testid="editor">
      <TemplatePicker
        study={study}
        templateId={draft.templateId}
        isBlank={isBlank(draft.text)}
        onChoose={({ id, technique, findings, impression }) => {
          last.current = null;
          type({ ...draft.text, technique, findings, impression }, id);
        }}
      />
      {study.kind === 'ecg' && <Suspense fallback={null}><Statements areas={areas} headings={headings} last={last} onInsert={replace} /></Suspense>}
      {SECTIONS.map((section) => (
        <PlaceholderArea
          key={section}
          label={headings[section]}
          value={draft.text[section]}
          isBig={section === 'findings'}
          testId={`report-${section}`}
          field={(element) => {
            areas.current[section] = element;
          }}
          onFocus={() => {
            last.current = section;
          }}
          onChange={(value) => { put({ [section]: value }); }}
        />
      ))}
      <div className="placeholder-row">
        {open > 0 ? (
          <button type="button" className="button bare" onClick={goToNext} data-testid="next-placeholder">
            {w.report.nextPlaceholder(open)}
          </button>
        ) : (
          !isBlank(draft.text) && <span className="secondary">{w.report.noPlaceholder}</span>
        )}
      </div>
      {unconfirmed > 0 && (
        <div className="placeholder-row">
          <button type="button" className="button bare" onClick={confirmMeasured} data-testid="confirm-measured">
            {w.report.confirmMeasured(unconfirmed)}
          </button>
        </div>
      )}
      <Flags text={draft.text} onChange={put} />
    </div>
  );
}

function Flags({ text, onChange }: { text: ReportTextView; onChange: (change: Partial<ReportTextView>) => void }) {
  const w = useReportWords();
  const choices: [boolean | null, string][] = [
    [true, w.report.positive],
    [false, w.report.negative],
    [null, w.report.notMarked],
  ];
  return (
    <div className="flags">
      <fieldset>
        <legend>{w.report.result}</legend>
        {choices.map(([value, word]) => (
          <label key={word} className="check-field">
            <input type="radio" name="result" checked={text.is_positive === value} onChange={() => { onChange({ is_positive: value }); }} data-testid={`positive-${String(value)}`} />
            {word}
          </label>
        ))}
      </fieldset>
      <div className={text.is_critical ? 'critical-on' : ''}>
        <CheckField label={w.report.critical} checked={text.is_critical} onChange={(event) => { onChange({ is_critical: event.target.checked }); }} data-testid="critical" />
      </div>
      {text.is_critical && <Note tone="critical">{w.report.criticalHint}</Note>}
    </div>
  );
}

export function SaveMark({ handle }: { handle: DraftHandle }) {
  const w = useReportWords();
  const format = useFormat();
  const { state, savedAt, reason } = handle.draft;
  const refused = w.common.problem[reason];
  return (
    <span className={`save-mark save-${state}`} data-testid="save-state" data-state={state} role={state === 'conflict' || state === 'failed' ? 'alert' : undefined}>
      {state === 'saved' && savedAt !== null ? w.report.savedAt(format.clockTime(savedAt)) : w.report.save[state]}
      {state === 'failed' && refused !== undefined && `: ${refused}`}
    </span>
  );
}
