/**
 * The ECG viewer: an electrocardiogram on millimetre paper, true to scale, with calipers.
 */
import './tokens.css';
import './ecg.css';
import './tools.css';

import { useCallback, useMemo, useRef, useState } from 'react';

import { ecg as api } from '../api/ecg';
import type { EcgView, StudyView } from '../api/types';
import { useLive } from '../app/live';
import { useResource } from '../app/resource';
import { Empty, ProblemNote } from '../parts/notes';
import { useRoomWords } from '../words/language';
import { useCalibration } from './calibration';
import { CalibrationDialog } from './calibration_dialog';
import { type Caliper, CALIPER_KINDS, type CaliperKind } from './calipers';
import { type Desk, DeskTools, SwapBanner } from './desk_tools';
import type { Points } from './fiducials';
import { isRaw, RAW, warningsOf } from './filters';
import { useSheetWords } from './header_words';
import { bestLayout, rhythmLead } from './layouts';
import type { Action } from './keys';
import type { Spot } from './lens';
import { MedianBeats } from './median_beats';
import { NoWaveform } from './no_waveform';
import { sourcedMeasurements, statedRate } from './measurements';
import { Overview } from './overview';
import { PrintView } from './print_view';
import { nextSwap, type Swap, swapped, swapsFor } from './reversal';
import { SerialComparison } from './serial';
import { EcgSheet } from './sheet';
import { SidePanel } from './side_panel';
import { sourceOf } from './sources';
import { type Change, changed, type Extent, isLonger, requestOf, sheetOf, startView, stretchOf } from './state';
import { Toolbar } from './toolbar';
import { type LeadSamples, splitSamples } from './trace';
import { useFit } from './use_fit';
import { useKeys } from './use_keys';
import * as words from './words';

/** What only the paper understands. */
const ON_PAPER: ReadonlySet<Action['do']> = new Set(['toggle-caliper', 'take-caliper', 'lens', 'march', 'page', 'ends']);

export interface EcgViewerProps {
  study: StudyView;
  instanceId: string;
  onMeasurement?: (text: string) => void;
}

interface Loaded {
  ecg: EcgView;
  leads: LeadSamples[];
}

export default function EcgViewer({ study, instanceId, onMeasurement }: EcgViewerProps) {
  const w = useRoomWords(words);
  const loaded = useResource((signal) => load(instanceId, signal), instanceId);
  if (loaded.data?.ecg.leads.length === 0) return <NoWaveform study={study} ecg={loaded.data.ecg} />;
  if (loaded.data !== null) return <Loaded key={instanceId} study={study} loaded={loaded.data} onMeasurement={onMeasurement} />;
  return loaded.problem ? <ProblemNote problem={loaded.problem} onRetry={loaded.reload} /> : <Empty>{w.loading}</Empty>;
}

async function load(instanceId: string, signal: AbortSignal): Promise<Loaded> {
  const [ecg, samples] = await Promise.all([api.get(instanceId, signal), api.samples(instanceId, signal)]);
  return { ecg, leads: splitSamples(samples, ecg.leads) };
}

function Loaded({ study, loaded, onMeasurement }: { study: StudyView; loaded: Loaded; onMeasurement: ((text: string) => void) | undefined }) {
  const { ecg, leads } = loaded;
  const w = useRoomWords(words);
  const extent = useMemo(() => extentOf(loaded), [loaded]);
  const [view, setView] = useState(() => startView(bestLayout(extent.leadNames)));
  const [isCalibrating, setCalibrating] = useState(false);
  const [lens, setLens] = useState<Spot | null>(null);
  const [isWhole, setWhole] = useState(false);
  const [isPanelOpen, setPanelOpen] = useState(true);
  const [tool, setTool] = useState<Desk>('paper');
  const [draft, setDraft] = useState<Points | null>(null);
  const [swap, setSwap] = useState<Swap | null>(null);
  const calibration = useCalibration();
  const root = useRef<HTMLDivElement>(null);
  const desk = useRef<HTMLDivElement>(null);

  const { layout, isCabrera, isChestHalved, rhythm, overlay, mmPerS, mmPerMv, startS } = view;
  const placed = useMemo(() => ({ layout, isCabrera, isChestHalved, rhythm, overlay, mmPerS, mmPerMv, startS }),
    [layout, isCabrera, isChestHalved, rhythm, overlay, mmPerS, mmPerMv, startS]);
  const sheet = useMemo(() => sheetOf(placed, extent), [placed, extent]);
  const filters = view.isRaw ? RAW : view.filters;
  const ownSources = useMemo(() => [sourceOf(leads, ecg.interval_us, filters)], [leads, ecg.interval_us, filters]);
  const swaps = useMemo(() => swapsFor(leads), [leads]);
  // A preview is for the eye: what is printed and compared stays the record.
  const sources = useMemo(() => (swap === null ? ownSources : [sourceOf(swapped(leads, swap), ecg.interval_us, filters)]), [swap, ownSources, leads, ecg.interval_us, filters]);
  const fit = useFit(desk, sheet, calibration.pxPerMm);
  const scale = view.zoom === 'fit' ? fit : view.zoom;
  const pxPerMm = calibration.pxPerMm * (scale ?? 1);
  const calipers = useMemo(() => CALIPER_KINDS.flatMap((kind) => view[kind] ?? []), [view]);

  const change = useCallback((next: Change) => { setView((old) => changed(old, next, extent)); }, [extent]);
  const moveCaliper = useCallback((to: Caliper) => { change({ do: 'caliper', to }); }, [change]);
  const isLong = isLonger(view, extent);
  const moveTime = useMemo(() => (isLong ? (seconds: number) => { change({ do: 'move', seconds }); } : null), [isLong, change]);

  const act = useCallback((action: Action) => {
    if (tool !== 'paper' && ON_PAPER.has(action.do)) return;
    const { left, top, width, height } = inSight(desk.current, pxPerMm);
    const xMm = left + Math.min(width, sheet.widthMm) / 2;
    const yMm = top + Math.min(height, sheet.heightMm) / 2;
    switch (action.do) {
      case 'toggle-caliper':
        // The same key puts a caliper into the middle of what is in sight, and takes it away again.
        if (view[action.kind] !== null) change({ do: 'take-caliper', kind: action.kind });
        else {
          change({ do: 'place', kind: action.kind, xMm, yMm });
          focusSoon(root, `caliper-${action.kind}-b`);
        }
        break;
      case 'lens':
        setLens((old) => (old === null ? { xMm, yMm } : null));
        if (lens === null) focusSoon(root, 'ecg-lens');
        break;
      case 'whole':
        setWhole((old) => !old);
        break;
      case 'panel':
        setPanelOpen((old) => !old);
        break;
      case 'print':
        window.print();
        break;
      case 'beats':
      case 'serial': {
        const to = action.do;
        setTool((old) => (old === to ? 'paper' : to));
        break;
      }
      case 'swap':
        setSwap((old) => nextSwap(swaps, old));
        setTool('paper');
        break;
      case 'clear':
        if (tool !== 'paper') {
          setTool('paper');
          break;
        }
        setSwap(null);
        if (lens === null && calipers.length === 0 && swap === null) setWhole(false);
        setLens(null);
        change(action);
        break;
      default:
        change(action);
    }
  }, [view, lens, calipers, change, pxPerMm, sheet, tool, swap, swaps]);

  useKeys(root, act, view.isRaw, isRaw(view.filters), change);
  // The paper never waits for the analysis, and stands without it.
  const analysis = useResource((signal) => api.analysis(ecg.instance_id, signal), ecg.instance_id);
  useLive((event) => event.kind === 'analysis' && event.study_id === ecg.study_id, analysis.reload);
  const measurements = useMemo(() => sourcedMeasurements(ecg.measurements, analysis.data), [ecg.measurements, analysis.data]);
  const shown = useSheetWords(study, ecg, {
    measurements, view, sheet, filters, shiftsMv: sources[0]?.shiftsMv ?? [], leadNames: extent.leadNames, scale: scale ?? 1, calibration,
  });
  // Until there is an analysis, the paper stays.
  const isAside = tool === 'serial' || (tool === 'beats' && analysis.data !== null);
  const overviewLead = leads.find((lead) => lead.name === rhythmLead(extent.leadNames, rhythm)) ?? leads[0];
  return (
    <div className={`ecg ${isWhole ? 'whole' : ''}`} ref={root} tabIndex={-1} role="group" aria-label={w.viewer} data-testid="ecg-viewer">
      <div className="ecg-frame">
        <Toolbar leadNames={extent.leadNames} view={view} scale={scale ?? 1} warnings={warningsOf(filters, ecg.interval_us)} calibration={calibration}
          isLens={lens !== null} isWhole={isWhole} isPanelOpen={isPanelOpen} onChange={change} onAction={act} onCalibrate={() => { setCalibrating(true); }}>
          <DeskTools desk={tool} onDesk={setTool} swaps={swaps} swap={swap} onSwap={(to) => { setSwap(to); setTool('paper'); }} />
        </Toolbar>
        {tool === 'beats' && analysis.data !== null && (
          <MedianBeats analysis={analysis.data} draft={draft} onDraft={setDraft} onAnalysis={analysis.replace} onClose={() => { setTool('paper'); }} />
        )}
        {tool === 'serial' && (
          <SerialComparison study={study} own={loaded} analysis={analysis.data} placed={placed} filters={filters} pxPerMm={calibration.pxPerMm} zoom={view.zoom} isPanelOpen={isPanelOpen} onClose={() => { setTool('paper'); }} />
        )}
        <div className="ecg-paper" hidden={isAside}>
          {swap !== null && <SwapBanner swap={swap} onEnd={() => { setSwap(null); }} />}
          {isLong && overviewLead && (
            <Overview samples={overviewLead.samples} leadName={overviewLead.name} leadStartS={overviewLead.startUs / 1e6} intervalUs={ecg.interval_us}
              durationS={extent.durationS} startS={startS} windowS={stretchOf(view, extent).windowS} onGo={(to) => { change({ do: 'go', startS: to }); }} />
          )}
          <EcgSheet deskRef={desk} sheet={sheet} layout={layout} isMeasured={scale !== null} pxPerMm={pxPerMm} zoom={scale ?? 1} sources={sources} header={swap === null ? shown.header : [`${w.previewMark(swap)} ${shown.header[0]}`, shown.header[1]]}
            footer={shown.footer} calipers={calipers} active={view.active} isMarching={view.isMarching} onCaliper={moveCaliper} lens={lens} onLens={setLens} onMove={moveTime} />
        </div>
        {isPanelOpen && !isAside && <SidePanel ecg={ecg} analysis={analysis.data} isPreview={swap !== null} sheet={sheet} calipers={calipers} statedRate={statedRate(measurements)} onMeasurement={onMeasurement} />}
      </div>
      <PrintView request={requestOf(placed, extent)} sources={ownSources} text={shown.print} />
      {isCalibrating && <CalibrationDialog calibration={calibration} onClose={() => { setCalibrating(false); }} />}
    </div>
  );
}

function extentOf({ ecg, leads }: Loaded): Extent {
  const ends = leads.map((lead) => (lead.startUs + lead.samples.length * ecg.interval_us) / 1e6);
  return { leadNames: leads.map((lead) => lead.name), durationS: Math.max(0, ...ends), intervalUs: ecg.interval_us };
}

/** The part of the sheet that is in sight, in millimetres. */
function inSight(desk: HTMLElement | null, pxPerMm: number): { left: number; top: number; width: number; height: number } {
  if (desk === null) return { left: 0, top: 0, width: 100, height: 100 };
  return { left: desk.scrollLeft / pxPerMm, top: desk.scrollTop / pxPerMm, width: desk.clientWidth / pxPerMm, height: desk.clientHeight / pxPerMm };
}

/** What a key has put on the paper takes the focus, so that the arrow keys move it. */
function focusSoon(root: { current: HTMLElement | null }, testId: `caliper-${CaliperKind}-b` | 'ecg-lens'): void {
  requestAnimationFrame(() => {
    root.current?.querySelector<HTMLElement | SVGElement>(`[data-testid="${testId}"]`)?.focus({ preventScroll: true });
  });
}
