/** The calls of the rules page; a file of its own, so that they load with it. */
import { getJson, query, sendJson } from './http';
import type * as t from './types';

const version = (number: number): string => `/api/rules/versions/${String(number)}`;
const simulation = (id: string): string => `/api/rules/simulations/${encodeURIComponent(id)}`;

/** A version with its text. */
export interface WholeVersion extends t.RuleVersionView {
  source: string;
}

export const rules = {
  versions: (signal?: AbortSignal) => getJson<t.RuleVersionView[]>('/api/rules/versions', signal),
  version: async (number: number, signal?: AbortSignal): Promise<WholeVersion> => {
    const { about, source } = await getJson<t.RuleVersionSource>(version(number), signal);
    return { ...about, source };
  },
  language: (signal?: AbortSignal) => getJson<t.RuleLanguageView>('/api/rules/language', signal),
  check: (source: string) => sendJson<t.RuleCheckView>('POST', '/api/rules/check', { source }),
  /** Looks at the studies of the last days, too: which of them no rule would give to anybody. Takes seconds. */
  checkOnDays: (source: string, days: number) => sendJson<t.RuleCheckView>('POST', `/api/rules/check${query({ days })}`, { source }),
  forms: (source: string) => sendJson<t.RuleFormsView>('POST', '/api/rules/forms', { source }),
  edit: (body: t.EditRulesRequest) => sendJson<t.EditedRulesView>('POST', '/api/rules/edit', body),
  compare: (body: t.CompareRulesRequest) => sendJson<t.RuleDifferenceView>('POST', '/api/rules/diff', body),
  propose: (body: t.ProposeRulesRequest) => sendJson<t.RuleVersionView>('POST', '/api/rules/versions', body),
  approve: (number: number, body: t.ApproveRulesRequest) => sendJson<t.RuleVersionView>('POST', `${version(number)}/approve`, body),
  refuse: (number: number, body: t.ReasonRequest) => sendJson<t.RuleVersionView>('POST', `${version(number)}/refuse`, body),
  rollBack: (number: number, body: t.RollBackRulesRequest) => sendJson<t.RuleVersionView>('POST', `${version(number)}/roll-back`, body),
  studies: (q: string, signal?: AbortSignal) => getJson<t.DecidedStudyView[]>(`/api/rules/studies${query({ q, limit: 30 })}`, signal),
  tryOn: (body: t.TryRulesRequest) => sendJson<t.RuleTrialView>('POST', '/api/rules/try', body),
  simulate: (body: t.SimulateRulesRequest) => sendJson<t.SimulationStarted>('POST', '/api/rules/simulations', body),
  simulation: (id: string, signal?: AbortSignal) => getJson<t.SimulationView>(simulation(id), signal),
  cancelSimulation: (id: string) => sendJson<undefined>('DELETE', simulation(id)),
};
