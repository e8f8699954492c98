/** Keeps what is typed on the server: a moment after the last key, before every act, and again after a cut line. */
import { useCallback, useEffect, useRef, useState } from 'react';

import { readings as api } from '../api/endpoints';
import type { ReportTextView, ReportView } from '../api/types';
import { problemFrom } from '../app/resource';
import { after, type Draft, type DraftEvent, EMPTY_TEXT, hasUnsaved } from '../model/draft';

const TYPING_MS = 800;
const RETRY_MS = 5000;

export interface DraftHandle {
  draft: Draft;
  type: (text: ReportTextView, templateId?: string) => void;
  /** Saves what is not saved yet; resolves to whether everything is on the server. */
  flush: () => Promise<boolean>;
  keepMine: () => Promise<void>;
  takeTheirs: () => Promise<void>;
}

export function useDraft(readingId: string, report: ReportView | null, onLockLost: () => void): DraftHandle {
  const [draft, setDraft] = useState<Draft>(() => begun(report));
  const now = useRef(draft);
  const flight = useRef<Promise<void> | null>(null);
  const lockLost = useRef(onLockLost);
  useEffect(() => {
    lockLost.current = onLockLost;
  });
  const tell = useCallback((event: DraftEvent) => {
    now.current = after(now.current, event);
    setDraft(now.current);
  }, []);

  const save = useCallback((): Promise<void> => {
    if (flight.current !== null) return flight.current;
    tell({ kind: 'sent' });
    const { text, templateId, revision } = now.current;
    flight.current = api
      .saveDraft(readingId, { text, template_id: templateId, revision })
      .then((saved) => { tell({ kind: 'saved', revision: saved.revision, at: saved.updated_at }); })
      .catch((error: unknown) => {
        const problem = problemFrom(error);
        const isConflict = problem.status === 409 && problem.reason === 'revision';
        tell({ kind: 'refused', reason: problem.reason, isConflict, isOffline: problem.status === 0 || problem.status >= 500 || problem.status === 401 });
        if (problem.status === 409 && !isConflict) lockLost.current();
      })
      .finally(() => {
        flight.current = null;
      });
    return flight.current;
  }, [readingId, tell]);

  useEffect(() => {
    if (draft.state !== 'dirty' && draft.state !== 'offline') return undefined;
    const timer = setTimeout(() => { void save(); }, draft.state === 'dirty' ? TYPING_MS : RETRY_MS);
    return () => { clearTimeout(timer); };
  }, [draft.text, draft.state, save]);

  useEffect(() => {
    const warn = (event: BeforeUnloadEvent): void => {
      if (hasUnsaved(now.current)) event.preventDefault();
    };
    const onHide = (): void => {
      if (document.visibilityState === 'hidden' && now.current.state === 'dirty') void save();
    };
    window.addEventListener('beforeunload', warn);
    document.addEventListener('visibilitychange', onHide);
    return () => {
      window.removeEventListener('beforeunload', warn);
      document.removeEventListener('visibilitychange', onHide);
      // Leaving for another page inside the application: nothing typed may be lost by being quick.
      if (now.current.state === 'dirty') void save();
    };
  }, [save]);

  const flush = useCallback(async (): Promise<boolean> => {
    while (flight.current !== null) await flight.current;
    if (now.current.state === 'dirty' || now.current.state === 'offline') await save();
    if (now.current.state === 'dirty') return flush();
    return !hasUnsaved(now.current);
  }, [save]);

  const newest = useCallback(async (): Promise<ReportView | null> => (await api.get(readingId)).report, [readingId]);
  return {
    draft,
    type: useCallback((text: ReportTextView, templateId?: string) => { tell({ kind: 'typed', text, ...(templateId === undefined ? {} : { templateId }) }); }, [tell]),
    flush,
    keepMine: useCallback(async () => {
      const theirs = await newest();
      tell({ kind: 'rebased', revision: theirs?.revision ?? 0 });
    }, [newest, tell]),
    takeTheirs: useCallback(async () => {
      const theirs = await newest();
      if (theirs !== null) tell({ kind: 'replaced', text: theirs.text, templateId: theirs.template_id, revision: theirs.revision, at: theirs.updated_at });
    }, [newest, tell]),
  };
}

/** A draft goes on; after a signed version, writing begins with its words and makes the next version. */
function begun(report: ReportView | null): Draft {
  const isOpen = report !== null && (report.state === 'draft' || report.state === 'submitted');
  return {
    text: report?.text ?? EMPTY_TEXT,
    templateId: report?.template_id ?? '',
    revision: isOpen ? report.revision : 0,
    state: isOpen ? 'saved' : 'empty',
    savedAt: isOpen ? report.updated_at : null,
    reason: '',
    sending: null,
  };
}
