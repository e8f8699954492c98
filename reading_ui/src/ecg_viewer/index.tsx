/**
 * The ECG viewer: an electrocardiogram on millimetre paper, true to scale, with calipers.
 */
import './tokens.css';
import './ecg.css';

import { useCallback, useEffect, useMemo, useRef, useState } from 'react';

import { ecg as api } from '../api/ecg';
import type { EcgView, StudyView } from '../api/types';
import { useResource } from '../app/resource';
import { Empty, ProblemNote } from '../parts/notes';
import { useFormat, useWords } from '../words';
import { useRoomWords } from '../words/language';
import { useCalibration } from './calibration';
import { CalibrationDialog } from './calibration_dialog';
import type { Caliper, CaliperKind } from './calipers';
import { bestLayout } from './geometry';
import { actionOf, isTyping } from './keys';
import type { Traces } from './paint';
import { EcgSheet } from './sheet';
import { SidePanel } from './side_panel';
import { type Change, changed, type Extent, pageCount, sheetOf, startView } from './state';
import { Toolbar } from './toolbar';
import { baselineShiftMv, type LeadSamples, splitSamples } from './trace';
import * as words from './words';

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
  const calibration = useCalibration();
  const root = useRef<HTMLDivElement>(null);
  const desk = useRef<HTMLDivElement>(null);
  const sheet = useMemo(() => sheetOf({ ...startView(view.layout), mmPerS: view.mmPerS, mmPerMv: view.mmPerMv, page: view.page }, extent),
    [view.layout, view.mmPerS, view.mmPerMv, view.page, extent]);
  const traces: Traces = useMemo(
    () => ({ leads, intervalUs: ecg.interval_us, shiftsMv: leads.map((lead) => baselineShiftMv(lead.samples)) }), [leads, ecg.interval_us]);
  const pxPerMm = calibration.pxPerMm * view.zoom;
  const calipers = [view.time, view.voltage].filter((caliper): caliper is NonNullable<typeof caliper> => caliper !== null);

  const change = useCallback((next: Change) => { setView((old) => changed(old, next, extent)); }, [extent]);
  const moveCaliper = useCallback((to: Caliper) => { change({ do: 'caliper', to }); }, [change]);

  /** The same key puts a caliper into the middle of what is in sight, and takes it away again. */
  const toggleCaliper = useCallback((kind: CaliperKind) => {
    if (view[kind] !== null) {
      change({ do: kind === 'time' ? 'time-caliper' : 'voltage-caliper' });
      return;
    }
    const { left, top, width, height } = inSight(desk.current, pxPerMm);
    change({ do: 'place', kind, xMm: left + Math.min(width, sheet.widthMm) / 2, yMm: top + Math.min(height, sheet.heightMm) / 2 });
  }, [view, change, pxPerMm, sheet]);

  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const target = event.target;
      const isOurs = target === document.body || (target instanceof Node && root.current?.contains(target) === true);
      if (!isOurs || isTyping(target)) return;
      const action = actionOf(event);
      if (action === null) return;
      event.preventDefault();
      if (action.do === 'time-caliper' || action.do === 'voltage-caliper') toggleCaliper(action.do === 'time-caliper' ? 'time' : 'voltage');
      else change(action);
    };
    window.addEventListener('keydown', press);
    return () => { window.removeEventListener('keydown', press); };
  }, [change, toggleCaliper]);

  const header = useHeader(study, ecg);
  const footer = useFooter(ecg, view.mmPerS, view.mmPerMv, view.zoom, calibration.isCalibrated, sheet.hidden, extent, traces.shiftsMv);
  return (
    <div className="ecg" ref={root} tabIndex={-1} role="group" aria-label={w.viewer} data-testid="ecg-viewer">
      <div className="ecg-frame">
        <Toolbar study={study} view={view} pages={pageCount(extent)} calibration={calibration} onChange={change} onCaliper={toggleCaliper}
          onCalibrate={() => { setCalibrating(true); }} />
        <EcgSheet deskRef={desk} sheet={sheet} layout={view.layout} pxPerMm={pxPerMm} traces={traces} header={header} footer={footer}
          calipers={calipers} active={view.active} isMarching={view.isMarching} onCaliper={moveCaliper} />
        <SidePanel ecg={ecg} sheet={sheet} calipers={calipers} onMeasurement={onMeasurement} />
      </div>
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

/** Who it is and when it was made, printed on the paper. */
function useHeader(study: StudyView, ecg: EcgView): [string, string] {
  const w = useRoomWords(words);
  const common = useWords().common;
  const format = useFormat();
  const { name, sex, patient_id } = study.patient;
  const person = [name.is_guessed ? `${name.display} (${common.guessed})` : name.display, format.sex(sex), format.age(study.age_years),
    patient_id === '' ? '' : w.patientId(patient_id)];
  const recording = [ecg.recorded_at === null ? w.noTime : w.recordedAt(format.dateTime(ecg.recorded_at)), study.site_name, ecg.device_model];
  return [person, recording].map((parts) => parts.filter((part) => part !== '').join(' · ')) as [string, string];
}

/** Speed, gain, filter and whatever else decides how the trace looks, printed on the paper. */
function useFooter(ecg: EcgView, mmPerS: number, mmPerMv: number, zoom: number, isCalibrated: boolean, hidden: readonly string[], extent: Extent,
  shiftsMv: readonly number[]): string {
  const w = useRoomWords(words);
  const hz = 1e6 / ecg.interval_us;
  const shifts = shiftsMv.map((mv, index) => (mv === 0 ? '' : w.shifted(extent.leadNames[index] ?? '', mv.toFixed(1))));
  return [
    `${String(mmPerS)} ${w.speedUnit}`, `${String(mmPerMv)} ${w.gainUnit}`,
    ecg.filters === '' ? w.filterUnknown : w.filterDevice(ecg.filters.replaceAll('-', '–').replace('notch', w.notch)), w.filterDisplay,
    w.sampling(String(Number(hz.toFixed(2)))), zoom === 1 ? '' : w.notTrueSize(Math.round(zoom * 100)),
    isCalibrated ? '' : w.notCalibrated, hidden.length === 0 ? '' : w.hidden(hidden.join(' ')), ...shifts,
  ].filter((part) => part !== '').join('  ·  ');
}
