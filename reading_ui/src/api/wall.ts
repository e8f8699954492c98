/** The wall screen: what hangs there, and the traces, neither with anybody's identity. */
import { getBytes, getJson, query } from './http';
import type { WallView } from './types';

export const wall = {
  get: (limit: number, signal?: AbortSignal) => getJson<WallView>(`/api/wall${query({ limit })}`, signal),
  /** uint32 length of a JSON header, the header, then int32 nanovolts; all little-endian. */
  trace: (instance: string, signal?: AbortSignal) => getBytes(`/api/wall/traces/${encodeURIComponent(instance)}`, signal),
};
