/**
 * This ECG and an earlier one of the same person: above, beside or superimposed, with what became of the numbers. Which
 * is which stands in words and with its date on each of them; both are drawn at one and the same scale.
 */

import { useMemo, useRef, useState } from 'react';

import { ecg as api } from '../api/ecg';
import type { EcgAnalysisView, EcgPreviousView, EcgView, StudyView } from '../api/types';
import { useResource } from '../app/resource';
import { Empty, Loading, ProblemNote } from '../parts/notes';
import { useFormat } from '../words';
import { useRoomWords } from '../words/language';
import { Differences } from './differences';
import type { FilterChoice } from './filters';
import { layOut, type Sheet } from './geometry';
import { bestLayout, layoutsFor } from './layouts';
import { SheetPicture } from './sheet_picture';
import { sourceOf } from './sources';
import { type Extent, type Placing, requestOf, type Zoom } from './state';
import { SuperimposedBeats } from './superimposed';
import { type LeadSamples, splitSamples } from './trace';
import { useFit } from './use_fit';
import * as words from './words_tools';

export interface LoadedEcg {
  ecg: EcgView;
  leads: readonly LeadSamples[];
}

interface SerialProps {
  study: StudyView;
  own: LoadedEcg;
  analysis: EcgAnalysisView | null;
  /** How this ECG is shown on the paper; the earlier one is shown alike. */
  placed: Placing;
  filters: FilterChoice;
  pxPerMm: number;
  zoom: Zoom;
  isPanelOpen: boolean;
  onClose: () => void;
}

const MODES = ['above', 'beside', 'superimposed'] as const;
type Mode = (typeof MODES)[number];
/** Two sheets above each other are too small to read on a laptop. */
const LOW_SCREEN_PX = 900;

export function SerialComparison(props: SerialProps) {
  const { own, onClose } = props;
  const w = useRoomWords(words);
  const format = useFormat();
  const previous = useResource((signal) => api.previous(own.ecg.instance_id, signal), own.ecg.instance_id);
  const [chosen, setChosen] = useState<string | null>(null);
  const [mode, setMode] = useState<Mode>(() => (window.innerHeight < LOW_SCREEN_PX ? 'beside' : 'above'));
  const items = previous.data?.items ?? [];
  const earlier = items.find((item) => item.instance_id === chosen) ?? items.find((item) => item.has_waveform) ?? items[0];
  const timeOf = (item: EcgPreviousView) => (item.recorded_at === null ? `${w.unknownTime} (${format.dateTime(item.arrived_at)})` : format.dateTime(item.recorded_at));
  return (
    <>
      <div className="ecg-tool-pane" data-testid="serial">
        <header>
          <h2>{w.serial}</h2>
          {earlier !== undefined && (
            <>
              <select className="ecg-pick" aria-label={w.earlierList} value={earlier.instance_id} data-testid="serial-choice" onChange={(event) => { setChosen(event.currentTarget.value); }}>
                {items.map((item) => <option key={item.instance_id} value={item.instance_id}>{timeOf(item)} · {item.site}</option>)}
              </select>
              <span className="ecg-group" role="group" aria-label={w.modesLabel}>
                {MODES.map((one) => (
                  <button key={one} type="button" className="button" aria-pressed={mode === one} data-testid={`serial-${one}`} onClick={() => { setMode(one); }}>{w.modes[one]}</button>
                ))}
              </span>
            </>
          )}
          <button type="button" className="button" data-testid="close-tool" onClick={onClose}>{w.close}</button>
        </header>
        {previous.problem && <ProblemNote problem={previous.problem} onRetry={previous.reload} />}
        {previous.data !== null && earlier === undefined && <Empty>{w.serialNone}</Empty>}
        {earlier !== undefined && <Two key={earlier.instance_id} {...props} earlier={earlier} earlierTime={timeOf(earlier)} mode={mode} />}
      </div>
      {earlier !== undefined && props.isPanelOpen && <Differences earlier={earlier} earlierTime={timeOf(earlier)} now={props.analysis} ofDevice={own.ecg.measurements} nowTime={format.dateTime(own.ecg.recorded_at)} />}
    </>
  );
}

function Two({ earlier, earlierTime, mode, ...props }: SerialProps & { earlier: EcgPreviousView; earlierTime: string; mode: Mode }) {
  const w = useRoomWords(words);
  const format = useFormat();
  const { own, study } = props;
  const loaded = useResource((signal) => (earlier.has_waveform ? load(earlier.instance_id, signal) : Promise.resolve(null)), earlier.instance_id);
  const titles = { earlier: w.earlierOf(earlierTime, earlier.site), now: w.nowOf(own.ecg.recorded_at === null ? w.unknownTime : format.dateTime(own.ecg.recorded_at), study.site_name) };
  if (!earlier.has_waveform) return <Empty>{w.noWaveformThere}</Empty>;
  if (loaded.data === null) return loaded.problem ? <ProblemNote problem={loaded.problem} onRetry={loaded.reload} /> : <Loading />;
  if (mode === 'superimposed') return <SuperimposedBeats earlierId={earlier.instance_id} now={props.analysis} titles={titles} />;
  return <Sheets {...props} earlier={loaded.data} mode={mode} titles={titles} />;
}

async function load(instanceId: string, signal: AbortSignal): Promise<LoadedEcg> {
  const [ecg, samples] = await Promise.all([api.get(instanceId, signal), api.samples(instanceId, signal)]);
  return { ecg, leads: splitSamples(samples, ecg.leads) };
}

interface SheetsProps extends SerialProps {
  earlier: LoadedEcg;
  mode: Mode;
  titles: { earlier: string; now: string };
}

function Sheets({ own, earlier, placed, filters, pxPerMm, zoom, mode, titles }: SheetsProps) {
  const w = useRoomWords(words);
  const room = useRef<HTMLDivElement>(null);
  const sheets = useMemo(() => ({ earlier: sheetOf(placed, earlier, 0), now: sheetOf(placed, own, placed.startS) }), [placed, earlier, own]);
  const sources = useMemo(() => ({
    earlier: [sourceOf(earlier.leads, earlier.ecg.interval_us, filters)], now: [sourceOf(own.leads, own.ecg.interval_us, filters)],
  }), [earlier, own, filters]);
  const wide = mode === 'beside' ? sheets.earlier.widthMm + sheets.now.widthMm + 6 : Math.max(sheets.earlier.widthMm, sheets.now.widthMm);
  const high = mode === 'beside' ? Math.max(sheets.earlier.heightMm, sheets.now.heightMm) + 10 : sheets.earlier.heightMm + sheets.now.heightMm + 20;
  const fit = useFit(room, { widthMm: wide, heightMm: high }, pxPerMm);
  const scale = zoom === 'fit' ? Math.max(LEAST_SCALE, fit ?? LEAST_SCALE) : zoom;
  return (
    <div className={`ecg-serial ${mode}`} ref={room} tabIndex={0} role="group" aria-label={w.serial}>
      {(['earlier', 'now'] as const).map((which) => (
        <figure key={which} className={which} data-testid={`serial-${which}-figure`}>
          <figcaption data-testid={`serial-${which}-title`}>{titles[which]}</figcaption>
          <SheetPicture sheet={sheets[which]} sources={sources[which]} pxPerMm={pxPerMm * scale} label={titles[which]} testId={`serial-${which}-traces`} />
        </figure>
      ))}
      <p className="secondary">{w.sameScale(Math.round(scale * 100))}</p>
    </div>
  );
}

const LEAST_SCALE = 0.4;
const MARGIN_MM = 2;

/** The same layout without the header, which the title above replaces; where the leads do not allow it, the best one. */
function sheetOf(placed: Placing, { ecg, leads }: LoadedEcg, startS: number): Sheet {
  const ends = leads.map((lead) => (lead.startUs + lead.samples.length * ecg.interval_us) / 1e6);
  const extent: Extent = { leadNames: leads.map((lead) => lead.name), durationS: Math.max(0, ...ends), intervalUs: ecg.interval_us };
  const layout = layoutsFor(extent.leadNames).includes(placed.layout) ? placed.layout : bestLayout(extent.leadNames);
  return layOut({ ...requestOf({ ...placed, layout, startS }, extent), topMm: MARGIN_MM, bottomMm: MARGIN_MM });
}
