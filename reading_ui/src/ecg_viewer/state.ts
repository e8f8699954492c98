/**
 * How the ECG is shown now: layout, scale, page and calipers. Pure; the component keeps one of these.
 */
import { type Caliper, type CaliperKind, placeCaliper, type TimeCaliper, type VoltageCaliper } from './calipers';
import { GAINS_MM_PER_MV, type LayoutName, layOut, pageS, type Sheet, SPEEDS_MM_PER_S } from './geometry';
import { type Action, stepped } from './keys';

export const ZOOMS: readonly number[] = [0.5, 0.75, 1, 1.5, 2];

export interface View {
  layout: LayoutName;
  mmPerS: number;
  mmPerMv: number;
  zoom: number;
  page: number;
  time: TimeCaliper | null;
  voltage: VoltageCaliper | null;
  /** The caliper that a drag on the paper sets. */
  active: CaliperKind | null;
  isMarching: boolean;
}

/** What the record fixes. */
export interface Extent {
  leadNames: readonly string[];
  durationS: number;
  intervalUs: number;
}

export type Change =
  | Action
  | { do: 'set'; to: Partial<Pick<View, 'layout' | 'mmPerS' | 'mmPerMv' | 'zoom'>> }
  | { do: 'caliper'; to: Caliper }
  | { do: 'place'; kind: CaliperKind; xMm: number; yMm: number };

export function startView(layout: LayoutName): View {
  return { layout, mmPerS: 25, mmPerMv: 10, zoom: 1, page: 0, time: null, voltage: null, active: null, isMarching: false };
}

export function pageCount(extent: Extent): number {
  return Math.max(1, Math.ceil(extent.durationS / pageS(extent.durationS) - 1e-6));
}

export function sheetOf(view: View, extent: Extent): Sheet {
  const durationS = pageS(extent.durationS);
  return layOut({
    leadNames: extent.leadNames, layout: view.layout, paper: { mmPerS: view.mmPerS, mmPerMv: view.mmPerMv },
    startS: view.page * durationS, durationS,
  });
}

export function changed(view: View, change: Change, extent: Extent): View {
  switch (change.do) {
    case 'layout':
      return rescaled(view, { layout: change.layout });
    case 'gain':
      return rescaled(view, { mmPerMv: stepped(GAINS_MM_PER_MV, view.mmPerMv, change.step) });
    case 'speed':
      return rescaled(view, { mmPerS: stepped(SPEEDS_MM_PER_S, view.mmPerS, change.step) });
    case 'set':
      return rescaled(view, change.to);
    case 'zoom':
      return { ...view, zoom: change.step === 0 ? 1 : stepped(ZOOMS, view.zoom, change.step) };
    case 'page': {
      const page = Math.min(pageCount(extent) - 1, Math.max(0, view.page + change.step));
      return page === view.page ? view : { ...view, page, time: null, voltage: null, active: null };
    }
    case 'march':
      return { ...view, isMarching: !view.isMarching };
    case 'clear':
      return { ...view, time: null, voltage: null, active: null, isMarching: false };
    case 'caliper':
      return { ...view, [change.to.kind]: change.to, active: change.to.kind };
    case 'place': {
      const placed = placeCaliper(change.kind, sheetOf(view, extent), change.xMm, change.yMm, extent.intervalUs);
      return { ...view, [change.kind]: placed, active: change.kind };
    }
    case 'time-caliper':
    case 'voltage-caliper':
      return withoutCaliper(view, change.do === 'time-caliper' ? 'time' : 'voltage');
  }
}

/** A caliper's place on the paper means another time or voltage after a change of layout or gain: it goes. */
function rescaled(view: View, to: Partial<View>): View {
  const next = { ...view, ...to };
  const isLayoutKept = next.layout === view.layout;
  const voltage = isLayoutKept && next.mmPerMv === view.mmPerMv && next.mmPerS === view.mmPerS ? view.voltage : null;
  const time = isLayoutKept && next.mmPerMv === view.mmPerMv ? view.time : null;
  const isActiveGone = (view.active === 'time' && time === null) || (view.active === 'voltage' && voltage === null);
  return { ...next, time, voltage, active: isActiveGone ? null : view.active };
}

function withoutCaliper(view: View, kind: CaliperKind): View {
  return { ...view, [kind]: null, active: view.active === kind ? null : view.active };
}
