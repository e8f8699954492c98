/** Which rules read differently in two files. Pure: rules are told apart by their names. */
import type { RuleForm } from '../api/types';

export interface ChangedRule {
  name: string;
  /** null: the rule is new. */
  before: RuleForm | null;
  /** null: the rule is gone. */
  after: RuleForm | null;
}

/** `reads` gives a rule's sentence; where it is the same on both sides, nothing is told. */
export function changedRules(before: RuleForm[], after: RuleForm[], reads: (form: RuleForm) => string): ChangedRule[] {
  const old = new Map(before.map((form) => [form.name, form]));
  const now = new Map(after.map((form) => [form.name, form]));
  const kept = after.map((form): ChangedRule => ({ name: form.name, before: old.get(form.name) ?? null, after: form }));
  const gone = before.filter((form) => !now.has(form.name)).map((form): ChangedRule => ({ name: form.name, before: form, after: null }));
  return [...kept, ...gone].filter(({ before: a, after: b }) => a === null || b === null || reads(a) !== reads(b));
}

/** What the sentences already say need not be said again in the words of the file. */
const SAID_BY_SENTENCES = new Set(['rule-added', 'rule-removed', 'condition-added', 'condition-removed', 'condition-changed', 'gives-changed', 'stop-changed']);

export function isSaid({ kind, subject }: { kind: string; subject: string }, changed: ChangedRule[]): boolean {
  return SAID_BY_SENTENCES.has(kind) && changed.some(({ name }) => name === subject);
}
