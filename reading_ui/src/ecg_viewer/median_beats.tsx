/**
 * The averaged beats of all leads with the points between which everything is measured. A doctor drags a point, or moves
 * it by one sample with the arrow keys, sees at once what follows, and keeps it: from then on those intervals are the
 * doctor's. The gateway's own points stay, dashed, and come back at a press.
 */

import { useMemo, useState } from 'react';

import { ecg as api } from '../api/ecg';
import type { EcgAnalysisView } from '../api/types';
import { useAction, useResource } from '../app/resource';
import { useSession } from '../app/session';
import { Empty, ProblemNote } from '../parts/notes';
import { useFormat } from '../words';
import { useRoomWords } from '../words/language';
import { BeatNumbers } from './beat_numbers';
import { BeatPlot, type BeatFrame } from './beat_plot';
import { beatPath, rangeMv } from './beat_lines';
import { FiducialLines } from './fiducial_lines';
import { added, FIDUCIALS, isSame, type Points, pointsOf } from './fiducials';
import { type LeadSamples, splitSamples } from './trace';
import * as words from './words_tools';

interface MedianBeatsProps {
  analysis: EcgAnalysisView;
  /** What is moved and not yet kept; survives a look at the paper. */
  draft: Points | null;
  onDraft: (draft: Points | null) => void;
  onAnalysis: (analysis: EcgAnalysisView) => void;
  onClose: () => void;
}

const LARGE = { mmPerS: 100, mmPerMv: 20 };
const SMALL = { mmPerS: 50, mmPerMv: 10 };
const LARGE_LABELS_MM = 14;

export function MedianBeats(props: MedianBeatsProps) {
  const { analysis, onClose } = props;
  const w = useRoomWords(words);
  const beats = useResource((signal) => loadBeats(analysis, signal), `${analysis.instance_id} ${analysis.method} ${analysis.state}`);
  if (analysis.median === null || beats.data === null) {
    return (
      <div className="ecg-tool-pane" data-testid="median-beats">
        <header><h2>{w.beats}</h2><button type="button" className="button" data-testid="close-tool" onClick={onClose}>{w.close}</button></header>
        {beats.problem ? <ProblemNote problem={beats.problem} onRetry={beats.reload} /> : analysis.state !== 'done' || analysis.median === null
          ? <Empty>{analysis.state === 'waiting' ? w.waiting : w.beatsNone}</Empty> : <Empty>…</Empty>}
      </div>
    );
  }
  return <Beats {...props} median={analysis.median} leads={beats.data} />;
}

/** The averaged beats of an analysis, lead by lead; none where it has none. */
export async function loadBeats(analysis: EcgAnalysisView, signal: AbortSignal): Promise<LeadSamples[] | null> {
  const { median } = analysis;
  if (median === null) return null;
  return splitSamples(await api.medianBeats(analysis.instance_id, signal), median.lead_names.map((name) => ({ name, sample_count: median.sample_count, start_us: 0 })));
}

interface BeatsProps extends MedianBeatsProps {
  median: NonNullable<EcgAnalysisView['median']>;
  leads: readonly LeadSamples[];
}

function Beats({ analysis, draft, onDraft, onAnalysis, onClose, median, leads }: BeatsProps) {
  const w = useRoomWords(words);
  const format = useFormat();
  const mayCorrect = useSession().session.grants.some(({ role }) => role === 'reader' || role === 'reviewer');
  const [front, setFront] = useState<string | null>(() => (leads.some((lead) => lead.name === 'II') ? 'II' : null));
  const original = useMemo(() => pointsOf(analysis.fiducials_us), [analysis.fiducials_us]);
  const kept = useMemo(() => pointsOf(analysis.corrected_fiducials_us ?? analysis.fiducials_us), [analysis]);
  const points = draft ?? kept;
  const isChanged = !isSame(points, kept);
  const rrMs = analysis.measurements.rr_ms?.gateway ?? null;
  const keep = useAction(async (to: Points) => {
    onAnalysis(await api.correct(analysis.instance_id, { fiducials_us: { ...to }, method: analysis.method }));
    onDraft(null);
  });

  const range = useMemo(() => rangeMv([leads]), [leads]);
  const large = useMemo(() => leads.map((lead) => ({ key: lead.name, path: beatPath(lead.samples, median.interval_us, 0, LARGE) })), [leads, median]);
  const small = useMemo(() => leads.map((lead) => ({ key: lead.name, path: beatPath(lead.samples, median.interval_us, 0, SMALL) })), [leads, median]);
  const lengthS = ((median.sample_count - 1) * median.interval_us) / 1e6;
  const frame: BeatFrame = { leftMm: 0, rightMm: lengthS * LARGE.mmPerS, topMm: -range.high * LARGE.mmPerMv - LARGE_LABELS_MM, bottomMm: -range.low * LARGE.mmPerMv + 3 };
  const smallFrame: BeatFrame = { leftMm: 0, rightMm: lengthS * SMALL.mmPerS, topMm: -range.high * SMALL.mmPerMv - 2, bottomMm: -range.low * SMALL.mmPerMv + 2 };
  const lines = [...large].sort((a, b) => Number(a.key === front) - Number(b.key === front))
    .map((line) => ({ ...line, look: front === null || line.key === front ? 'front' as const : 'back' as const }));
  const missing = FIDUCIALS.filter((name) => points[name] === undefined);
  return (
    <>
      <div className="ecg-tool-pane" data-testid="median-beats">
        <header>
          <h2>{w.beats}</h2>
          <span className="secondary">{w.beatsOf(median.beat_count)} · 100 mm/s · 20 mm/mV</span>
          <button type="button" className="button" data-testid="close-tool" onClick={onClose}>{w.close}</button>
        </header>
        <p className="secondary">{mayCorrect ? w.beatsHow : w.readOnly}</p>
        {mayCorrect && (
          <div className="ecg-acts">
            {missing.map((name) => (
              <button key={name} type="button" className="button" data-testid={`add-${name}`} onClick={() => { onDraft(added(points, name, median)); }}>{w.add(w.fiducials[name])}</button>
            ))}
            <button type="button" className="button primary" data-testid="save-fiducials" disabled={!isChanged || keep.isBusy} onClick={() => { void keep.run(points); }}>
              {keep.isBusy ? w.saving : w.save}
            </button>
            <button type="button" className="button" data-testid="undo-fiducials" disabled={!isChanged} onClick={() => { onDraft(null); }}>{w.undo}</button>
            <button type="button" className="button" data-testid="take-back-fiducials" disabled={analysis.corrected_fiducials_us === null || keep.isBusy} onClick={() => { void keep.run({}); }}>{w.takeBack}</button>
            {keep.problem?.reason === 'analysis-changed' ? <p className="ecg-caution" role="alert">{w.changedMeanwhile}</p> : <ProblemNote problem={keep.problem} />}
          </div>
        )}
        <div className="ecg-beat-body">
          <div className="ecg-beat-large">
            <BeatPlot frame={frame} lines={lines} label={w.beats} testId="beat-plot">
              <FiducialLines frame={frame} mmPerS={LARGE.mmPerS} beat={median} points={points} original={original} isFixed={!mayCorrect} onPoints={onDraft} />
              {front !== null && <text className="lead" x={2} y={frame.bottomMm - 2}>{front}</text>}
            </BeatPlot>
          </div>
          <div className="ecg-beat-leads" role="group" aria-label={w.lead}>
            {small.map(({ key, path }) => (
              <button key={key} type="button" aria-pressed={front === key} aria-label={w.showLead(key)} data-testid={`beat-lead-${key}`} onClick={() => { setFront(front === key ? null : key); }}>
                <BeatPlot frame={smallFrame} lines={[{ key, path, look: 'front' }]} label={key}>
                  {FIDUCIALS.map((name) => points[name] !== undefined && (
                    <line key={name} className="fiducial-thin" x1={(points[name] / 1e6) * SMALL.mmPerS} x2={(points[name] / 1e6) * SMALL.mmPerS} y1={smallFrame.topMm} y2={smallFrame.bottomMm} />
                  ))}
                  <text className="lead" x={1} y={smallFrame.topMm + 8}>{key}</text>
                </BeatPlot>
              </button>
            ))}
          </div>
        </div>
      </div>
      <aside className="ecg-side" aria-label={w.numbers} data-testid="beat-side">
        <BeatNumbers original={original} points={points} rrMs={rrMs} isChanged={isChanged} />
        {analysis.corrected_at !== null && <p className="secondary" data-testid="corrected-by">{w.correctedBy(analysis.corrected_by ?? '', format.dateTime(analysis.corrected_at))}</p>}
      </aside>
    </>
  );
}
