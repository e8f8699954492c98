/** Whose ECG is it: open orders with their numbers, ECGs of nobody, files that nobody can read yet. */
import { getJson, query, sendJson } from './http';
import type * as t from './types';

const id = encodeURIComponent;

export const ecgIntake = {
  openOrders: (signal?: AbortSignal) => getJson<t.OpenEcgOrderList>('/api/ecg-orders', signal),
  call: (order: string, body: t.EcgCallRequest) => sendJson<t.OpenEcgOrderView>('POST', `/api/orders/${id(order)}/recording`, body),
  endCall: (order: string) => sendJson<t.OpenEcgOrderView>('DELETE', `/api/orders/${id(order)}/recording`),
  unidentified: (signal?: AbortSignal) => getJson<t.UnidentifiedEcgList>('/api/ecg-unidentified', signal),
  name: (study: string, body: t.NamePatientRequest) => sendJson<undefined>('POST', `/api/studies/${id(study)}/identity`, body),
  nobody: (study: string, body: t.ReasonRequest) => sendJson<undefined>('POST', `/api/studies/${id(study)}/identity/none`, body),
  files: (state: string, signal?: AbortSignal) => getJson<t.UnreadEcgList>(`/api/admin/ecg-files${query({ state })}`, signal),
  attach: (file: string, body: t.AttachEcgRequest) => sendJson<t.UnreadEcgView>('POST', `/api/admin/ecg-files/${id(file)}/attach`, body),
  detach: (file: string, body: t.ReasonRequest) => sendJson<t.UnreadEcgView>('POST', `/api/admin/ecg-files/${id(file)}/detach`, body),
  readAgain: (file: string) => sendJson<t.UnreadEcgView>('POST', `/api/admin/ecg-files/${id(file)}/read-again`),
  bytesUrl: (file: string) => `/api/admin/quarantine/${id(file)}/bytes`,
  pageUrl: (instance: string) => `/api/ecg/${id(instance)}/page`,
};
