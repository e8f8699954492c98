/**
 * How the ECG is shown now: layout, scale, stretch, filters and calipers. Pure; the component keeps one of these.
 */
import { type Caliper, CALIPER_KINDS, type CaliperKind, placeCaliper, type TimeCaliper, type VoltageCaliper } from './calipers';
import { type FilterChoice, HIGH_CUTS_HZ, LOW_CUTS_HZ, NOTCHES_HZ, RAW } from './filters';
import { GAINS_MM_PER_MV, layOut, type Sheet, type SheetRequest, SPEEDS_MM_PER_S } from './geometry';
import { type Action, stepped } from './keys';
import { type LayoutName, LAYOUTS, layoutsFor, rhythmLead } from './layouts';

export const ZOOMS: readonly number[] = [0.5, 0.75, 1, 1.5, 2, 3, 4];
/** Where no zoom is chosen the paper is as large as fits, but never larger than true size. */
export type Zoom = number | 'fit';

export interface View {
  layout: LayoutName;
  isCabrera: boolean;
  isChestHalved: boolean;
  rhythm: string | null;
  overlay: readonly string[];
  mmPerS: number;
  mmPerMv: number;
  zoom: Zoom;
  startS: number;
  filters: FilterChoice;
  /** The unfiltered trace, whatever is chosen. */
  isRaw: boolean;
  time: TimeCaliper | null;
  voltage: VoltageCaliper | null;
  qt: TimeCaliper | null;
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
  | { do: 'set'; to: Partial<Pick<View, 'layout' | 'mmPerS' | 'mmPerMv' | 'zoom' | 'rhythm' | 'overlay'>> }
  | { do: 'filter'; to: Partial<FilterChoice> }
  | { do: 'raw-until'; isRaw: boolean }
  | { do: 'go'; startS: number }
  | { do: 'caliper'; to: Caliper }
  | { do: 'place'; kind: CaliperKind; xMm: number; yMm: number };

/** A usual ECG is shown whole; of a longer one, as much as fits on a sheet of paper. */
const WHOLE_S = 12;
const ROW_OF_PAPER_MM = 250;
const MAX_STRIP_ROWS = 8;
const NO_CALIPERS = { time: null, voltage: null, qt: null, active: null };

export function startView(layout: LayoutName): View {
  return {
    layout, isCabrera: false, isChestHalved: false, rhythm: null, overlay: [], mmPerS: 25, mmPerMv: 10, zoom: 'fit', startS: 0,
    filters: RAW, isRaw: false, ...NO_CALIPERS, isMarching: false,
  };
}

/** How long a row of the paper is, and how much of the record stands on the whole sheet. */
export function stretchOf(view: Pick<View, 'layout' | 'mmPerS'>, { durationS, intervalUs }: Extent): { rowS: number; rows: number; windowS: number } {
  const paperS = ROW_OF_PAPER_MM / view.mmPerS;
  if (view.layout === 'strip') {
    // Whole samples, so that a caliper snaps alike on every row.
    const rowS = (Math.round((Math.min(Math.max(durationS, 1), paperS) * 1e6) / intervalUs) * intervalUs) / 1e6;
    const rows = Math.min(MAX_STRIP_ROWS, Math.max(1, Math.ceil(durationS / rowS - 1e-6)));
    return { rowS, rows, windowS: rowS * rows };
  }
  const rowS = durationS <= WHOLE_S ? Math.max(durationS, 1) : Math.min(durationS, paperS);
  return { rowS, rows: 1, windowS: rowS };
}

/** Whether the record goes on beyond the sheet, so that an overview is of use. */
export function isLonger(view: View, extent: Extent): boolean {
  return extent.durationS > stretchOf(view, extent).windowS + 1e-6;
}

/** What decides where everything lies. */
export type Placing = Pick<View, 'layout' | 'isCabrera' | 'isChestHalved' | 'rhythm' | 'overlay' | 'mmPerS' | 'mmPerMv' | 'startS'>;

export function sheetOf(view: Placing, extent: Extent): Sheet {
  return layOut(requestOf(view, extent));
}

export function requestOf(view: Placing, extent: Extent): SheetRequest {
  const { rowS, rows } = stretchOf(view, extent);
  return {
    leadNames: extent.leadNames, layout: view.layout, isCabrera: view.isCabrera, rhythm: view.rhythm, overlay: view.overlay,
    paper: { mmPerS: view.mmPerS, mmPerMv: view.mmPerMv, isChestHalved: view.isChestHalved },
    startS: view.startS, durationS: rowS, stripRows: rows,
  };
}

export function changed(view: View, change: Change, extent: Extent): View {
  switch (change.do) {
    case 'layout': {
      const layout = LAYOUTS[change.index];
      return layout !== undefined && layoutsFor(extent.leadNames).includes(layout) ? rescaled(view, { layout }, extent) : view;
    }
    case 'gain':
      return rescaled(view, { mmPerMv: stepped(GAINS_MM_PER_MV, view.mmPerMv, change.step) }, extent);
    case 'speed':
      return rescaled(view, { mmPerS: stepped(SPEEDS_MM_PER_S, view.mmPerS, change.step) }, extent);
    case 'set':
      return 'zoom' in change.to ? { ...view, ...change.to } : rescaled(view, change.to, extent);
    case 'cabrera':
      return rescaled(view, { isCabrera: !view.isCabrera }, extent);
    case 'chest-half':
      return rescaled(view, { isChestHalved: !view.isChestHalved }, extent);
    case 'rhythm':
      return rescaled(view, { rhythm: nextRhythm(view, extent) }, extent);
    case 'zoom':
      return { ...view, zoom: change.step === 0 ? 1 : stepped(ZOOMS, nearestZoom(view.zoom), change.step) };
    case 'fit':
      return { ...view, zoom: 'fit' };
    case 'page':
      return gone(view, view.startS + change.step * stretchOf(view, extent).windowS, extent);
    case 'move':
      return gone(view, view.startS + change.seconds, extent);
    case 'ends':
      return gone(view, change.to === 'first' ? 0 : extent.durationS, extent);
    case 'go':
      return gone(view, change.startS, extent);
    case 'low-cut':
      return { ...view, isRaw: false, filters: { ...view.filters, lowCutHz: nextOf(LOW_CUTS_HZ, view.filters.lowCutHz) } };
    case 'high-cut':
      return { ...view, isRaw: false, filters: { ...view.filters, highCutHz: nextOf(HIGH_CUTS_HZ, view.filters.highCutHz) } };
    case 'notch':
      return { ...view, isRaw: false, filters: { ...view.filters, notchHz: nextOf(NOTCHES_HZ, view.filters.notchHz) } };
    case 'filter':
      return { ...view, isRaw: false, filters: { ...view.filters, ...change.to } };
    case 'raw':
      return { ...view, isRaw: !view.isRaw };
    case 'raw-until':
      return { ...view, isRaw: change.isRaw };
    case 'march':
      return { ...view, isMarching: !view.isMarching };
    case 'clear':
      return { ...view, ...NO_CALIPERS, isMarching: false };
    case 'caliper':
      return { ...view, [change.to.kind]: change.to, active: change.to.kind };
    case 'place': {
      const placed = placeCaliper(change.kind, sheetOf(view, extent), change.xMm, change.yMm, extent.intervalUs);
      return { ...view, [change.kind]: placed, active: change.kind };
    }
    case 'take-caliper':
      return { ...view, [change.kind]: null, active: view.active === change.kind ? null : view.active };
    case 'toggle-caliper':
    case 'lens':
    case 'whole':
    case 'print':
    case 'panel':
    case 'beats':
    case 'serial':
    case 'swap':
      return view; // the component's own affairs
  }
}

/** A caliper's place on the paper means another time or voltage after a change of layout or gain: it goes. */
function rescaled(view: View, to: Partial<View>, extent: Extent): View {
  const next = { ...view, ...to };
  const isPlaceKept = next.layout === view.layout && next.mmPerMv === view.mmPerMv && next.rhythm === view.rhythm
    && next.isChestHalved === view.isChestHalved && next.isCabrera === view.isCabrera && next.overlay === view.overlay;
  const isKept = { time: isPlaceKept, qt: isPlaceKept, voltage: isPlaceKept && next.mmPerS === view.mmPerS };
  for (const kind of CALIPER_KINDS) {
    if (isKept[kind]) continue;
    next[kind] = null;
    if (next.active === kind) next.active = null;
  }
  return withinRecord(next, extent);
}

/** Another stretch of the record: calipers stay behind with theirs. */
function gone(view: View, startS: number, extent: Extent): View {
  const next = withinRecord({ ...view, startS }, extent);
  return next.startS === view.startS ? view : { ...next, ...NO_CALIPERS };
}

function withinRecord(view: View, extent: Extent): View {
  const last = Math.max(0, extent.durationS - stretchOf(view, extent).windowS);
  const samples = Math.round((Math.min(last, Math.max(0, view.startS)) * 1e6) / extent.intervalUs);
  const startS = (samples * extent.intervalUs) / 1e6;
  return startS === view.startS ? view : { ...view, startS };
}

function nextRhythm(view: View, { leadNames }: Extent): string | null {
  const now = rhythmLead(leadNames, view.rhythm);
  return now === undefined ? null : leadNames[(leadNames.indexOf(now) + 1) % leadNames.length] ?? null;
}

function nextOf(values: readonly number[], current: number): number {
  return values[(values.indexOf(current) + 1) % values.length] ?? 0;
}

function nearestZoom(zoom: Zoom): number {
  return zoom === 'fit' ? 1 : zoom;
}
