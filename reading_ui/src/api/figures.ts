/** Figures of reading: turnaround, load, findings, rejections, indicators. */
import { getJson, query } from './http';
import type { FiguresQuery } from './quality';
import type { ReadingFiguresView } from './types';

export const figures = {
  show: (asked: FiguresQuery, signal?: AbortSignal) => getJson<ReadingFiguresView>(`/api/figures${query({ ...asked })}`, signal),
  csvUrl: (asked: FiguresQuery) => `/api/figures.csv${query({ ...asked })}`,
};
