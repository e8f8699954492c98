/** Where a new rule goes. Pure. */
import type { RuleForm } from '../api/types';

/**
 * Before the general rules at the end, which would otherwise have every study first: an index, or the count of rules
 * for the very end. A general rule names who reads and asks at most one thing.
 */
export function placeOfNew(rules: Pick<RuleForm, 'conditions' | 'then'>[]): number {
  let at = rules.length;
  while (at > 0 && isGeneral(rules[at - 1])) at -= 1;
  return at;
}

function isGeneral(rule: Pick<RuleForm, 'conditions' | 'then'> | undefined): boolean {
  return rule !== undefined && rule.conditions.length <= 1 && (rule.then.group != null || rule.then.reader != null);
}
