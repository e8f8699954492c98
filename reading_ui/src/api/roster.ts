/** Readers, the roster and agreements between sites; travels with their page. */
import { getJson, query, sendJson } from './http';
import type * as t from './types';

const id = encodeURIComponent;

export const readers = {
  all: (signal?: AbortSignal) => getJson<t.ReaderView[]>('/api/readers', signal),
  say: (presence: string) => sendJson<t.PresenceView>('PUT', '/api/readers/me/presence', { presence }),
  setProfile: (user: string, body: t.ReaderProfileRequest) =>
    sendJson<t.ReaderProfileView>('PUT', `/api/readers/${id(user)}/profile`, body),
  dropProfile: (user: string) => sendJson<undefined>('DELETE', `/api/readers/${id(user)}/profile`),
};

export const roster = {
  show: (from: string, before: string, signal?: AbortSignal) => getJson<t.RosterView>(`/api/roster${query({ from, before })}`, signal),
  add: (body: t.RosterEntryRequest) => sendJson<t.RosterEntryView>('POST', '/api/roster/entries', body),
  change: (entry: string, body: t.RosterEntryRequest) => sendJson<t.RosterEntryView>('PUT', `/api/roster/entries/${id(entry)}`, body),
  drop: (entry: string) => sendJson<undefined>('DELETE', `/api/roster/entries/${id(entry)}`),
  copyWeek: (body: t.CopyWeekRequest) => sendJson<t.CopyWeekView>('POST', '/api/roster/copy-week', body),
  askSwap: (body: t.SwapRequest) => sendJson<t.SwapView>('POST', '/api/roster/swaps', body),
  answerSwap: (swap: string, body: t.SwapAnswer) => sendJson<t.SwapView>('POST', `/api/roster/swaps/${id(swap)}/answer`, body),
  withdrawSwap: (swap: string) => sendJson<t.SwapView>('POST', `/api/roster/swaps/${id(swap)}/withdraw`),
  putHoliday: (day: string, body: t.HolidayRequest) => sendJson<t.HolidayView>('PUT', `/api/roster/holidays/${id(day)}`, body),
  dropHoliday: (day: string) => sendJson<undefined>('DELETE', `/api/roster/holidays/${id(day)}`),
};

export const agreements = {
  all: (signal?: AbortSignal) => getJson<t.AgreementView[]>('/api/agreements', signal),
  add: (body: t.AgreementRequest) => sendJson<t.AgreementView>('POST', '/api/agreements', body),
  change: (agreement: string, body: t.AgreementRequest) => sendJson<t.AgreementView>('PUT', `/api/agreements/${id(agreement)}`, body),
};
