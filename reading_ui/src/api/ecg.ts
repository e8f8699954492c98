/** An ECG: its header, and its samples as int32 little-endian nanovolts, lead after lead. */
import { getBytes, getJson, sendJson } from './http';
import type { EcgAnalysisView, EcgFiducialsRequest, EcgPreviousList, EcgStatementLibrary, EcgView } from './types';

const path = (instance: string) => `/api/ecg/${encodeURIComponent(instance)}`;

export const ecg = {
  get: (instance: string, signal?: AbortSignal) => getJson<EcgView>(path(instance), signal),
  samples: (instance: string, signal?: AbortSignal) => getBytes(`${path(instance)}/samples`, signal),
  /** What the gateway found in the samples, beside the cart's numbers and a doctor's corrections. */
  analysis: (instance: string, signal?: AbortSignal) => getJson<EcgAnalysisView>(`${path(instance)}/analysis`, signal),
  /** The averaged beat of every lead, as the analysis' `median` describes it. */
  medianBeats: (instance: string, signal?: AbortSignal) => getBytes(`${path(instance)}/median-beats`, signal),
  /** Keeps a doctor's points beside the gateway's; none takes the correction back. */
  correct: (instance: string, points: EcgFiducialsRequest) => sendJson<EcgAnalysisView>('PUT', `${path(instance)}/fiducials`, points),
  /** Earlier ECGs of the same person, newest first. */
  previous: (instance: string, signal?: AbortSignal) => getJson<EcgPreviousList>(`${path(instance)}/previous`, signal),
  statements: (signal?: AbortSignal) => getJson<EcgStatementLibrary>('/api/ecg/statements', signal),
  originalUrl: (instance: string) => `${path(instance)}/original`,
};
