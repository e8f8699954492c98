/**
 * The draft that this person writes: which text, from which version, what `check` says of it. It is kept in the
 * browser with every change and forgotten when it comes into force.
 */
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';

import type { ApiProblem } from '../api/http';
import { rules as api, type WholeVersion } from '../api/rules';
import type { RuleCheckView, RuleForm, RuleLanguageView, RuleVersionView } from '../api/types';
import { useLive } from '../app/live';
import { problemFrom, type Resource, useResource } from '../app/resource';
import { keepDraft, keptDraft } from './kept_draft';

const CHECK_AFTER_MS = 350;
const STEPS = 50;

export interface Checked {
  /** The text that was asked about; another one by now is still being checked. */
  source: string;
  check: RuleCheckView;
  /** null: YAML could not be read, so there is no form of it. */
  forms: RuleForm[] | null;
}

export interface Rules {
  known: RuleLanguageView | null;
  versions: Resource<RuleVersionView[]>;
  active: WholeVersion | null;
  source: string;
  base: number;
  isDirty: boolean;
  isKept: boolean;
  /** When the draft that was found here was last changed; null for one begun in this visit. */
  foundFrom: string | null;
  checked: Checked | null;
  checkProblem: ApiProblem | null;
  hasErrors: boolean;
  isChecking: boolean;
  canUndo: boolean;
  /** Every change by the form is a step to undo; typing in the text is one step in all, the editor has its own. */
  change: (source: string, by: 'form' | 'text') => void;
  undo: () => void;
  startFrom: (source: string, base: number) => void;
  drop: () => void;
  /** After a version came into force or was proposed. */
  renew: (isInForce: boolean) => void;
}

interface Draft {
  source: string;
  base: number;
  /** The text at `base`, as long as it is known: a draft that equals it follows the version in force. */
  origin: string | null;
  steps: string[];
  lastBy: 'form' | 'text';
  foundFrom: string | null;
}

/** null while the version in force is still being read; a gateway without any begins from the skeleton. */
export function useRules(user: string, skeleton: string): { rules: Rules | null; problem: ApiProblem | null; retry: () => void } {
  const language = useResource(api.language, 'language');
  const versions = useResource(api.versions, 'versions');
  const number = versions.data?.find((version) => version.state === 'active')?.version ?? null;
  const active = useResource(async (signal) => (number === null ? null : api.version(number, signal)), `active-${String(number)}`);
  const isRead = versions.data !== null && !active.isLoading && (number === null || active.data !== null);
  const [draft, setDraft] = useState<Draft | null>(null);
  const [isKept, setIsKept] = useState(true);
  const activeSource = active.data?.source ?? skeleton;
  const activeVersion = active.data?.version ?? 0;

  useEffect(() => {
    if (!isRead) return;
    setDraft((old) => {
      if (old !== null && (old.base === activeVersion || (old.source !== old.origin && old.source !== activeSource))) return old;
      const kept = old === null ? keptDraft(user) : null;
      if (kept !== null && kept.source !== activeSource) return { ...fresh(kept.source, kept.base), origin: null, foundFrom: kept.at };
      return fresh(activeSource, activeVersion);
    });
  }, [isRead, activeSource, activeVersion, user]);

  useLive((event) => event.kind === 'rules', () => { versions.reload(); });

  const { checked, checkProblem } = useCheck(draft?.source ?? null);
  const isDirty = draft !== null && draft.source !== activeSource;
  useEffect(() => {
    if (draft === null || !isRead) return;
    setIsKept(keepDraft(user, isDirty ? { source: draft.source, base: draft.base, at: new Date().toISOString() } : null));
  }, [draft, isDirty, isRead, user]);

  const change = useCallback((source: string, by: 'form' | 'text') => {
    setDraft((old) => {
      if (old === null || old.source === source) return old;
      const isStep = by === 'form' || old.lastBy === 'form' || old.steps.length === 0;
      return { ...old, source, lastBy: by, steps: isStep ? [...old.steps, old.source].slice(-STEPS) : old.steps };
    });
  }, []);
  const undo = useCallback(() => {
    setDraft((old) => (old === null || old.steps.length === 0 ? old : { ...old, source: old.steps.at(-1) ?? old.source, lastBy: 'form', steps: old.steps.slice(0, -1) }));
  }, []);
  const startFrom = useCallback((source: string, base: number) => {
    setDraft((old) => ({ ...fresh(source, base), steps: old === null ? [] : [...old.steps, old.source].slice(-STEPS) }));
  }, []);
  const drop = useCallback(() => { setDraft(fresh(activeSource, activeVersion)); }, [activeSource, activeVersion]);
  const reload = versions.reload;
  const renew = useCallback(
    (isInForce: boolean) => {
      reload();
      if (isInForce) setDraft((old) => (old === null ? old : { ...old, steps: [], foundFrom: null }));
    },
    [reload],
  );

  const rules = useMemo(
    (): Rules | null =>
      draft && {
        known: language.data, versions, active: active.data, source: draft.source, base: draft.base, isDirty, isKept, foundFrom: draft.foundFrom, checked, checkProblem,
        hasErrors: checked !== null && !checked.check.is_valid, isChecking: checked?.source !== draft.source && checkProblem === null,
        canUndo: draft.steps.length > 0, change, undo, startFrom, drop, renew,
      },
    [draft, language.data, versions, active.data, isDirty, isKept, checked, checkProblem, change, undo, startFrom, drop, renew],
  );
  const retry = useCallback(() => {
    versions.reload();
    active.reload();
  }, [versions, active]);
  return { rules, problem: versions.problem ?? active.problem, retry };
}

function fresh(source: string, base: number): Draft {
  return { source, base, origin: source, steps: [], lastBy: 'form', foundFrom: null };
}

/** Asks a moment after the last key; an answer to an older text is dropped. */
function useCheck(source: string | null): { checked: Checked | null; checkProblem: ApiProblem | null } {
  const [state, setState] = useState<{ checked: Checked | null; checkProblem: ApiProblem | null }>({ checked: null, checkProblem: null });
  const isFirst = useRef(true);
  useEffect(() => {
    if (source === null) return undefined;
    let isOld = false;
    const ask = async (): Promise<void> => {
      try {
        const [check, forms] = await Promise.all([api.check(source), formsOf(source)]);
        if (!isOld) setState({ checked: { source, check, forms }, checkProblem: null });
      } catch (error) {
        if (!isOld) setState((old) => ({ ...old, checkProblem: problemFrom(error) }));
      }
    };
    const timer = setTimeout(() => void ask(), isFirst.current ? 0 : CHECK_AFTER_MS);
    isFirst.current = false;
    return () => {
      isOld = true;
      clearTimeout(timer);
    };
  }, [source]);
  return state;
}

/** A text that YAML cannot read has no form; that is an answer, not a failure. */
async function formsOf(source: string): Promise<RuleForm[] | null> {
  try {
    return (await api.forms(source)).forms;
  } catch (error) {
    const { status } = problemFrom(error);
    if (status === 400 || status === 409 || status === 422) return null;
    throw error;
  }
}
