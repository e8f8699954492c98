/** An ECG: its header, and its samples as int32 little-endian nanovolts, lead after lead. */
import { getBytes, getJson } from './http';
import type { EcgAnalysisView, EcgView } from './types';

const path = (instance: string) => `/api/ecg/${encodeURIComponent(instance)}`;

export const ecg = {
  get: (instance: string, signal?: AbortSignal) => getJson<EcgView>(path(instance), signal),
  samples: (instance: string, signal?: AbortSignal) => getBytes(`${path(instance)}/samples`, signal),
  /** What the gateway found in the samples, beside the cart's numbers and a doctor's corrections. */
  analysis: (instance: string, signal?: AbortSignal) => getJson<EcgAnalysisView>(`${path(instance)}/analysis`, signal),
  originalUrl: (instance: string) => `${path(instance)}/original`,
};
