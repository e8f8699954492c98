/** Median beats of two ECGs on top of each other, lead by lead, R on R. Told apart by dashes and colour, and in words. */
import { useMemo } from 'react';

import { ecg as api } from '../api/ecg';
import type { EcgAnalysisView } from '../api/types';
import { useResource } from '../app/resource';
import { Empty, Loading, ProblemNote } from '../parts/notes';
import { useRoomWords } from '../words/language';
import { beatPath, rangeMv, sharedSpanUs } from './beat_lines';
import { type BeatLine, BeatPlot } from './beat_plot';
import { pointsOf } from './fiducials';
import { loadBeats } from './median_beats';
import type { LeadSamples } from './trace';
import * as words from './words_tools';

interface SuperimposedProps {
  earlierId: string;
  now: EcgAnalysisView | null;
  titles: { earlier: string; now: string };
}

interface Beat {
  leads: readonly LeadSamples[];
  intervalUs: number;
  sampleCount: number;
  /** Where R is: a doctor's, else the gateway's. */
  zeroUs: number;
}

const SCALE = { mmPerS: 50, mmPerMv: 10 };

export function SuperimposedBeats({ earlierId, now, titles }: SuperimposedProps) {
  const w = useRoomWords(words);
  const key = `${earlierId} ${now?.instance_id ?? ''} ${now?.state ?? ''} ${now?.corrected_at ?? ''}`;
  const both = useResource(async (signal) => {
    const before = await api.analysis(earlierId, signal);
    return Promise.all([beatOf(before, signal), now === null ? null : beatOf(now, signal)]);
  }, key);
  if (both.data === null) return both.problem ? <ProblemNote problem={both.problem} onRetry={both.reload} /> : <Loading />;
  const [earlier, own] = both.data;
  if (earlier === null || own === null) return <Empty>{w.noBeatsToCompare}</Empty>;
  return <Panels earlier={earlier} own={own} titles={titles} />;
}

function Panels({ earlier, own, titles }: { earlier: Beat; own: Beat; titles: SuperimposedProps['titles'] }) {
  const w = useRoomWords(words);
  const { names, frame, lines } = useMemo(() => picture(earlier, own), [earlier, own]);
  return (
    <div className="ecg-superimposed" data-testid="superimposed">
      <p className="ecg-serial-legend">
        <span data-testid="serial-earlier-title"><Sample look="earlier" /> {titles.earlier} <small>{w.earlierLine}</small></span>
        <span data-testid="serial-now-title"><Sample look="front" /> {titles.now} <small>{w.nowLine}</small></span>
        <span className="secondary">{w.alignedAtR} · 50 mm/s · 10 mm/mV</span>
      </p>
      <div className="ecg-beat-leads">
        {names.map((name) => (
          <BeatPlot key={name} frame={frame} lines={lines.get(name) ?? []} label={name} testId={`superimposed-${name}`}>
            <line className="fiducial-thin" x1={0} x2={0} y1={frame.topMm} y2={frame.bottomMm} />
            <text className="lead" x={frame.leftMm + 1} y={frame.topMm + 4}>{name}</text>
          </BeatPlot>
        ))}
      </div>
    </div>
  );
}

function Sample({ look }: { look: BeatLine['look'] }) {
  return <svg className="ecg-line-sample" viewBox="0 0 12 3" aria-hidden><path className={`beat ${look}`} d="M0 1.5H12" /></svg>;
}

async function beatOf(analysis: EcgAnalysisView, signal: AbortSignal): Promise<Beat | null> {
  const zeroUs = pointsOf(analysis.corrected_fiducials_us ?? analysis.fiducials_us).r_peak;
  const leads = await loadBeats(analysis, signal);
  if (analysis.median === null || leads === null || zeroUs === undefined) return null;
  return { leads, intervalUs: analysis.median.interval_us, sampleCount: analysis.median.sample_count, zeroUs };
}

function picture(earlier: Beat, own: Beat) {
  const span = sharedSpanUs([earlier, own]);
  const range = rangeMv([earlier.leads, own.leads]);
  const frame = {
    leftMm: (-span.before / 1e6) * SCALE.mmPerS, rightMm: (span.after / 1e6) * SCALE.mmPerS, topMm: -range.high * SCALE.mmPerMv - 2, bottomMm: -range.low * SCALE.mmPerMv + 2,
  };
  const names = [...new Set([...own.leads, ...earlier.leads].map((lead) => lead.name))];
  const lineOf = (beat: Beat, name: string, look: BeatLine['look']): BeatLine[] =>
    beat.leads.filter((lead) => lead.name === name).map((lead) => ({ key: look, look, path: beatPath(lead.samples, beat.intervalUs, beat.zeroUs, SCALE) }));
  const lines = new Map(names.map((name) => [name, [...lineOf(own, name, 'front'), ...lineOf(earlier, name, 'earlier')]]));
  return { names, frame, lines };
}
