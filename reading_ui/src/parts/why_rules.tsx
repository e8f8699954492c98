/** Every rule that was looked at: whether it matched, what it gives, and each condition with the values it saw (D1). */
import type { ConditionView, RuleView } from '../api/types';
import { useWords, type Words } from '../words';
import { useRoomWords } from '../words/language';
import { Icon } from './icons';
import './why_rules.css';
import * as words from './words_why_rules';

type MoreWords = typeof words.zh;

/** `phrases` says a condition in plain words, where somebody knows them; the rule's own text stays beside it. */
export function WhyRules({ rules, phrases }: { rules: RuleView[]; phrases?: ReadonlyMap<string, string> }) {
  return (
    <ul className="why-rules">
      {rules.map((rule, index) => (
        <Rule key={`${rule.rule}-${String(index)}`} rule={rule} phrases={phrases} />
      ))}
    </ul>
  );
}

function Rule({ rule, phrases }: { rule: RuleView; phrases: ReadonlyMap<string, string> | undefined }) {
  const w = useWords();
  const more = useRoomWords(words);
  const gives = givesText(rule, w, more);
  return (
    <li data-matched={rule.matched} data-testid="why-rule">
      <b>{nameOf(rule, w, more)}</b> <span className="secondary">{rule.matched ? w.reading.matched : w.reading.notMatched}</span>
      {gives !== '' && (
        <p className="why-gives" data-testid="why-gives">
          {rule.matched ? w.reading.gave : w.reading.wouldGive} {gives}
        </p>
      )}
      <ul>
        {rule.conditions.map((condition) => (
          <Condition key={condition.text} condition={condition} phrase={phrases?.get(condition.text) ?? personPhrase(rule, condition, more)} />
        ))}
      </ul>
    </li>
  );
}

/** Three signs, not two: what nobody could know is not the same as what is not so. */
function Condition({ condition, phrase }: { condition: ConditionView; phrase: string | undefined }) {
  const w = useWords();
  const why = condition.why === '' ? null : (w.reading.undecided[condition.why] ?? condition.why);
  const seen = Object.entries(condition.seen).map(([name, value]) => `${name} = ${value === null ? w.reading.notKnown : JSON.stringify(value)}`);
  return (
    <li data-testid="why-condition" data-why={condition.why}>
      {why !== null ? (
        <Icon name="why" label={w.reading.notDecided} />
      ) : (
        <Icon name={condition.holds ? 'check' : 'cross'} label={condition.holds ? w.reading.matched : w.reading.notMatched} />
      )}
      <span>
        {phrase !== undefined && <span className="why-phrase">{phrase}</span>}
        <code>{condition.text}</code>
        {why !== null && <span className="why-undecided">{why}</span>}
        {seen.length > 0 && <span className="why-seen">{seen.join(', ')}</span>}
      </span>
    </li>
  );
}

/** Who was looked at for an assignment: "login: word", with how much each had in hand. */
function personPhrase(rule: RuleView, condition: ConditionView, more: MoreWords): string | undefined {
  const [login, word] = condition.text.split(': ');
  if (!(rule.rule in more.people) || login === undefined || word === undefined || typeof condition.seen.open !== 'number') return undefined;
  return more.inHand(login, more.person[word] ?? word, condition.seen.open, condition.seen.own_prior === true);
}

/** Some entries come from the gateway itself, not from the rule file. */
function nameOf(rule: RuleView, w: Words, more: MoreWords): string {
  const known = more.people[rule.rule];
  if (known !== undefined) return known;
  if (rule.rule === 'duty') return w.reading.duty;
  if (rule.rule === 'fallback') return w.reading.fallback;
  return rule.rule;
}

function givesText({ gives }: RuleView, w: Words, more: MoreWords): string {
  const text = (value: unknown): string => (typeof value === 'string' || typeof value === 'number' ? String(value) : '');
  const parts: string[] = [];
  if ('group' in gives) parts.push(`${w.reading.group} ${text(gives.group)}`);
  if ('reader' in gives) parts.push(`${w.reading.namedReader} ${text(gives.reader)}`);
  if ('priority' in gives) parts.push(`${w.reading.givesPriority} ${w.common.priority[text(gives.priority)] ?? text(gives.priority)}`);
  if ('due_minutes' in gives) parts.push(w.reading.givesDue(Number(gives.due_minutes)));
  if (Array.isArray(gives.tags)) parts.push(`${w.reading.tags} ${gives.tags.map(text).join(' · ')}`);
  if ('second_reader' in gives) parts.push(`${more.secondReader} ${text(gives.second_reader)}`);
  const due = Object.entries(record(gives.due)).map(([stage, minutes]) => `${more.stage[stage] ?? stage} ${more.minutes(Number(minutes))}`);
  if (due.length > 0) parts.push(`${more.stages} ${due.join(' · ')}`);
  if (Array.isArray(gives.forwards)) parts.push(`${more.forwards} ${gives.forwards.map(text).join(' · ')}`);
  const hold = record(gives.hold).until ?? gives.hold_until;
  if (typeof hold === 'string') parts.push(more.hold(hold));
  const overflow = record(gives.overflow);
  if ('group' in overflow) parts.push(more.overflow(text(overflow.group), Number(overflow.after_minutes)));
  if (Array.isArray(gives.notify)) parts.push(more.notify(gives.notify.length));
  if (gives.stop === true) parts.push(w.reading.givesStop);
  return parts.join(w.reading.listComma);
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}
