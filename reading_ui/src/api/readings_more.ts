/** Acts on a reading that only pages which load later offer. */
import { sendJson } from './http';
import type * as t from './types';

export const readings = {
  decline: (reading: string, body: t.ReasonRequest) =>
    sendJson<t.ReadingDetail>('POST', `/api/readings/${encodeURIComponent(reading)}/decline`, body),
};
