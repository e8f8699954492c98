/**
 * The life of an autosaved draft. One save at a time; what is typed meanwhile is saved next; a conflict stops
 * saving until a person has chosen, so that nobody's words are overwritten silently.
 */
import type { ReportTextView } from '../api/types';

export type SaveState = 'empty' | 'saved' | 'dirty' | 'saving' | 'offline' | 'conflict' | 'failed';

export interface Draft {
  text: ReportTextView;
  templateId: string;
  /** Of the report as the server last told it; 0 before the first save. */
  revision: number;
  state: SaveState;
  savedAt: string | null;
  /** What the server refused, as a machine word. */
  reason: string;
  /** The text that is on its way, to tell whether more was typed meanwhile. */
  sending: ReportTextView | null;
}

export const EMPTY_TEXT: ReportTextView = { technique: '', findings: '', impression: '', is_positive: null, is_critical: false };

export type DraftEvent =
  | { kind: 'typed'; text: ReportTextView; templateId?: string }
  | { kind: 'sent' }
  | { kind: 'saved'; revision: number; at: string }
  | { kind: 'refused'; reason: string; isConflict: boolean; isOffline: boolean }
  | { kind: 'rebased'; revision: number }
  | { kind: 'replaced'; text: ReportTextView; templateId: string; revision: number; at: string | null };

export function after(draft: Draft, event: DraftEvent): Draft {
  switch (event.kind) {
    case 'typed':
      return {
        ...draft,
        text: event.text,
        templateId: event.templateId ?? draft.templateId,
        state: draft.state === 'saving' || draft.state === 'conflict' ? draft.state : 'dirty',
      };
    case 'sent':
      return { ...draft, state: 'saving', sending: draft.text };
    case 'saved':
      return {
        ...draft,
        revision: event.revision,
        savedAt: event.at,
        reason: '',
        state: draft.sending === draft.text ? 'saved' : 'dirty',
        sending: null,
      };
    case 'refused':
      return {
        ...draft,
        state: event.isConflict ? 'conflict' : event.isOffline ? 'offline' : 'failed',
        reason: event.reason,
        sending: null,
      };
    case 'rebased':
      return { ...draft, revision: event.revision, state: 'dirty', reason: '' };
    case 'replaced':
      return { text: event.text, templateId: event.templateId, revision: event.revision, state: 'saved', savedAt: event.at, reason: '', sending: null };
  }
}

/** True while closing the page would lose words. */
export function hasUnsaved(draft: Draft): boolean {
  return draft.state !== 'saved' && draft.state !== 'empty';
}

export function isBlank(text: ReportTextView): boolean {
  return (text.technique + text.findings + text.impression).trim() === '';
}
