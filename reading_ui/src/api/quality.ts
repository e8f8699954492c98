/** Grades, rejections and retakes, and the figures of both. */
import { getJson, query, sendJson } from './http';
import type * as t from './types';

const id = encodeURIComponent;
const one = (study: string) => `/api/quality/studies/${id(study)}`;
const retake = (request: string) => `/api/quality/retakes/${id(request)}`;

export interface FiguresQuery {
  per: string;
  from: string;
  to: string;
}

export const quality = {
  study: (study: string, signal?: AbortSignal) => getJson<t.QualityView>(one(study), signal),
  grade: (study: string, body: t.GradeRequest) => sendJson<t.QualityView>('POST', `${one(study)}/grades`, body),
  reject: (study: string, body: t.RejectionRequest) => sendJson<t.RejectionView>('POST', `${one(study)}/rejections`, body),
  ask: (grade: string) => sendJson<t.AskedView>('POST', `/api/quality/grades/${id(grade)}/retake`),
  pictureUrl: (grade: string) => `/api/quality/grades/${id(grade)}/picture`,
  retakes: (isWithSettled: boolean, signal?: AbortSignal) => getJson<t.RetakeList>(`/api/quality/retakes${query({ settled: isWithSettled })}`, signal),
  seen: (request: string) => sendJson<t.AskedView>('POST', `${retake(request)}/seen`),
  schedule: (request: string, body: t.ScheduleRequest) => sendJson<t.AskedView>('POST', `${retake(request)}/schedule`, body),
  decline: (request: string, body: t.ReasonRequest) => sendJson<t.AskedView>('POST', `${retake(request)}/decline`, body),
  withdraw: (request: string, body: t.ReasonRequest) => sendJson<t.AskedView>('POST', `${retake(request)}/withdraw`, body),
  figures: (asked: FiguresQuery, signal?: AbortSignal) => getJson<t.QualityFigures>(`/api/quality/figures${query({ ...asked })}`, signal),
  csvUrl: (asked: FiguresQuery) => `/api/quality/figures.csv${query({ ...asked })}`,
};
