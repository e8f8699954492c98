/**
 * Which stretch of which leads fits a cell, at one scale for time and voltage: 25 mm/s and 10 mm/mV of a paper whose
 * millimetre is as large as the cell allows. Pure.
 */
import { layOut, type Sheet } from '../ecg_viewer/geometry';
import { bestLayout, type LayoutName } from '../ecg_viewer/layouts';
import type { LeadSamples } from '../ecg_viewer/trace';

export interface Fit {
  sheet: Sheet;
  layout: LayoutName;
  pxPerMm: number;
}

const PAPER = { mmPerS: 25, mmPerMv: 10 };
const EDGE_MM = 2;
const LEAST_COLUMN_S = 2.5;
const STEP_S = 0.5;

/** The layout with the largest millimetre; of that as much time as the width allows. */
export function fitSheet(leads: readonly LeadSamples[], intervalUs: number, widthPx: number, heightPx: number): Fit {
  const leadNames = leads.map(({ name }) => name);
  const lengthS = Math.max(LEAST_COLUMN_S, ...leads.map((lead) => (lead.startUs + lead.samples.length * intervalUs) / 1e6));
  const draw = (layout: LayoutName, durationS: number) =>
    layOut({ leadNames, layout, paper: PAPER, startS: 0, durationS, topMm: EDGE_MM, bottomMm: EDGE_MM });
  const layouts: LayoutName[] = bestLayout(leadNames) === '12x1' ? ['12x1'] : ['6x2', '3x4'];
  let best: Fit | undefined;
  for (const layout of layouts) {
    const columns = new Set(draw(layout, lengthS).segments.map(({ xMm }) => xMm)).size;
    const leastS = Math.min(lengthS, LEAST_COLUMN_S * Math.max(1, columns));
    const least = draw(layout, leastS);
    const pxPerMm = Math.min(heightPx / least.heightMm, widthPx / least.widthMm);
    if (best !== undefined && pxPerMm <= best.pxPerMm) continue;
    const spareS = Math.floor((widthPx / pxPerMm - least.widthMm + 1e-6) / PAPER.mmPerS / STEP_S) * STEP_S;
    best = { sheet: draw(layout, Math.min(lengthS, leastS + spareS)), layout, pxPerMm };
  }
  if (best === undefined) throw new RangeError('no layout');
  return best;
}
