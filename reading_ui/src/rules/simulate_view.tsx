/** The draft against the studies that really arrived: started, watched, stopped; then pictures of what would change. */
import { useEffect, useRef, useState } from 'react';

import { rules as api } from '../api/rules';
import type { SimulationResult, SimulationView } from '../api/types';
import { problemFrom, useAction } from '../app/resource';
import { navigate, useSearch } from '../app/router';
import { SelectField } from '../parts/field';
import { Note } from '../parts/notes';
import { useLanguage } from '../words/language';
import { save } from './file_acts';
import { Examples, Flows } from './flows';
import { HeatMap } from './heat_map';
import { RulesProblem } from './rules_problem';
import type { Speaking } from './sentences';
import type { Rules } from './use_rules';
import { type RulesWords, useRulesWords, useSpeaking } from './use_words';

const DAYS = [1, 7, 14, 30, 60, 90];
const AGAINST = ['decided', 'active'];
const ASK_AGAIN_MS = 400;
const OVER = new Set(['done', 'failed', 'cancelled']);

export function SimulateView({ rules }: { rules: Rules }) {
  const w = useRulesWords();
  const [days, setDays] = useState(30);
  const [against, setAgainst] = useState('decided');
  // The address names it, so that its result is there again after looking elsewhere.
  const id = new URLSearchParams(useSearch()).get('simulation');
  const [own, setOwn] = useState<{ id: string; source: string } | null>(null);
  const asked = id ?? own?.id ?? null;
  const source = own?.id === asked ? (own?.source ?? null) : null;
  const run = useSimulation(asked);
  const on = useSpeaking(rules.known, source ?? rules.source);
  const start = useAction(async () => {
    const started = await api.simulate({ source: rules.source, days, against });
    setOwn({ id: started.id, source: rules.source });
    navigate(`/admin/rules?view=simulate&simulation=${encodeURIComponent(started.id)}`, { replace: true });
  });
  const stop = useAction(async () => {
    if (asked !== null) await api.cancelSimulation(asked);
  });
  const view = run.view;
  const isUp = asked !== null && (view === null || !OVER.has(view.state)) && run.problem === null;
  return (
    <div className="simulate">
      <p>{w.simIntro}</p>
      <div className="simulate-start">
        <SelectField label={w.days} value={days} disabled={isUp} onChange={(event) => { setDays(Number(event.target.value)); }} data-testid="sim-days">
          {DAYS.map((count) => <option key={count} value={count}>{w.dayCount(count)}</option>)}
        </SelectField>
        <SelectField label={w.against} value={against} disabled={isUp} onChange={(event) => { setAgainst(event.target.value); }}>
          {AGAINST.map((kind) => <option key={kind} value={kind}>{w.againstKind[kind]}</option>)}
        </SelectField>
        {isUp ? (
          <button type="button" className="button" disabled={stop.isBusy} onClick={() => { void stop.run(); }} data-testid="sim-cancel">
            {w.simCancel}
          </button>
        ) : (
          <button type="button" className="button primary" disabled={rules.hasErrors || rules.isChecking || start.isBusy} onClick={() => { void start.run(); }} data-testid="sim-start">
            {w.simStart}
          </button>
        )}
        {rules.hasErrors && <span className="secondary">{w.tryBroken}</span>}
      </div>
      <RulesProblem problem={start.problem ?? stop.problem ?? run.problem} />
      {isUp && (
        <div className="simulate-progress" role="status">
          <progress max={Math.max(1, view?.total ?? 1)} value={view?.done ?? 0} aria-label={w.simStart} data-testid="sim-progress" />
          <span>{view === null || view.state === 'waiting' ? w.simWaiting : w.simRunning(view.done, view.total)}</span>
        </div>
      )}
      {view?.state === 'failed' && <Note tone="critical">{w.simFailed} {view.error}</Note>}
      {view?.state === 'cancelled' && <Note tone="plain">{w.simCancelled}</Note>}
      {view?.result != null && source !== rules.source && <Note tone="warning">{source === null ? w.simEarlier : w.simStale}</Note>}
      {view?.result != null && <Result view={view} result={view.result} on={on} />}
    </div>
  );
}

/** Asks until it is over. An answer for an earlier simulation is dropped. */
function useSimulation(id: string | null) {
  const [state, setState] = useState<{ id: string | null; view: SimulationView | null; problem: ReturnType<typeof problemFrom> | null }>({ id: null, view: null, problem: null });
  useEffect(() => {
    if (id === null) return undefined;
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async (): Promise<void> => {
      try {
        const view = await api.simulation(id, stop.signal);
        if (stop.signal.aborted) return;
        setState({ id, view, problem: null });
        if (!OVER.has(view.state)) timer = setTimeout(() => void ask(), ASK_AGAIN_MS);
      } catch (error) {
        if (!stop.signal.aborted) setState({ id, view: null, problem: problemFrom(error) });
      }
    };
    void ask();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [id]);
  return state.id === id ? state : { view: null, problem: null };
}

function Result({ view, result, on }: { view: SimulationView; result: SimulationResult; on: Speaking }) {
  const w = useRulesWords();
  const language = useLanguage();
  const head = useRef<HTMLHeadingElement>(null);
  useEffect(() => { head.current?.focus(); }, [view.id]);
  const part = (count: number): string => w.ofStudies(`${(result.studies === 0 ? 0 : (100 * count) / result.studies).toFixed(1)} %`);
  const notes = language === 'zh' ? result.notes_zh : result.notes_en;
  if (result.studies === 0) return <Note tone="plain"><p data-testid="sim-nothing">{w.simNothing}</p></Note>;
  return (
    <div className="sim-result" data-testid="sim-result" data-moved={result.moved}>
      <div className="sim-head">
        <h2 ref={head} tabIndex={-1}>{w.simDone(result.studies, result.seconds.toFixed(1))}</h2>
        <button type="button" className="button" onClick={() => { save(JSON.stringify(view, null, 2), `rules-simulation-${view.at.slice(0, 10)}.json`, 'application/json'); }} data-testid="sim-export">
          {w.exportJson}
        </button>
      </div>
      <dl className="tiles">
        {([[w.simMoved, result.moved, result.moved > 0], [w.simChanged, result.changed, false], [w.simSame, result.studies - result.changed, false], [w.simLate, result.due.newly_late, result.due.newly_late > 0], [w.simLateNo, result.due.no_longer_late, false]] as const).map(([label, count, isTrouble]) => (
          <div key={label} className={`tile${isTrouble ? ' trouble' : ''}`}>
            <dt>{label} <span className="secondary">{part(count)}</span></dt>
            <dd>{count}</dd>
          </div>
        ))}
      </dl>
      <h3>{w.movesTitle}</h3>
      <p className="secondary">{w.movesHint}</p>
      <Flows moves={result.moves} on={on} />
      <h3>{w.loadTitle}</h3>
      <p className="secondary">{w.loadHint}</p>
      <HeatMap load={result.load} days={view.days} on={on} />
      <h3>{w.dueTitle}</h3>
      <p>{w.dueText(result.due.late_before, result.due.late_after, result.due.studies)}{result.due.newly_late === 0 && ` ${w.dueNone}`}</p>
      {result.due.examples.length > 0 && <Examples title={w.dueExamples} examples={result.due.examples} on={on} />}
      <h3>{w.changesTitle}</h3>
      <Changes result={result} w={w} on={on} />
      <h3>{w.rulesTitle}</h3>
      <RuleCounts result={result} w={w} />
      {result.unknown_facts.length > 0 && <Note tone="warning">{w.unknownFacts} {result.unknown_facts.join(', ')}</Note>}
      {result.unreadable > 0 && <Note tone="warning">{w.unreadable(result.unreadable)}</Note>}
      {notes.length > 0 && <ul className="sim-notes secondary">{notes.map((note) => <li key={note}>{note}</li>)}</ul>}
    </div>
  );
}

function Changes({ result, w, on }: { result: SimulationResult; w: RulesWords; on: Speaking }) {
  if (result.changes.length === 0) return <p className="secondary">{w.changesNone}</p>;
  const said = (aspect: string, value: unknown): string => {
    if (value == null || value === '' || (Array.isArray(value) && value.length === 0)) return w.nothing;
    if (aspect === 'priority' || aspect === 'raise_to') return on.priority[String(value)] ?? String(value);
    if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value.join(', ');
    return typeof value === 'object' ? JSON.stringify(value) : String(value);
  };
  return (
    <div className="table-frame">
      <table className="table">
        <thead>
          <tr>
            <th aria-label={w.changesTitle} />
            <th>{w.before}</th>
            <th>{w.after}</th>
            <th className="number">{w.count}</th>
          </tr>
        </thead>
        <tbody>
          {result.changes.map((change, at) => (
            <tr key={`${change.aspect}-${String(at)}`}>
              <td>{w.aspect[change.aspect] ?? change.aspect}</td>
              <td>{said(change.aspect, change.before)}</td>
              <td>{said(change.aspect, change.after)}</td>
              <td className="number">{change.studies}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function RuleCounts({ result, w }: { result: SimulationResult; w: RulesWords }) {
  const most = Math.max(1, ...result.rules.map((rule) => rule.matched));
  return (
    <div className="table-frame">
      <table className="table rule-counts">
        <thead>
          <tr>
            <th>{w.views.edit}</th>
            <th>{w.rulesMatched}</th>
            <th className="number">{w.rulesDecided}</th>
          </tr>
        </thead>
        <tbody>
          {result.rules.map((rule) => (
            <tr key={`${rule.name}-${String(rule.line)}`}>
              <td className="wrap">{rule.name}</td>
              <td>
                <meter min={0} max={most} value={rule.matched} aria-label={rule.name} /> {rule.matched === 0 ? <span className="is-warning">{w.never}</span> : rule.matched}
              </td>
              <td className="number">{rule.decided}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
