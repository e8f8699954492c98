/** What follows from the points, while they are dragged: the gateway's numbers, and what has become the doctor's. */
import { useRoomWords } from '../words/language';
import { changedIntervals, intervalsOf, type Points } from './fiducials';
import { measurementText } from './read_out';
import { SourceMark } from './source_mark';
import * as words from './words';
import * as toolWords from './words_tools';

const SHOWN = ['pr_ms', 'p_ms', 'qrs_ms', 'qt_ms', 'qtc_bazett_ms', 'qtc_fridericia_ms', 'qtc_framingham_ms', 'qtc_hodges_ms'];

export function BeatNumbers({ original, points, rrMs, isChanged }: { original: Points; points: Points; rrMs: number | null; isChanged: boolean }) {
  const w = useRoomWords(words);
  const t = useRoomWords(toolWords);
  const ours = intervalsOf(original, rrMs);
  const doctors = changedIntervals(original, points, rrMs);
  const text = (value: number | undefined, key: string) => (value === undefined ? '–' : measurementText(key, value, w).value);
  return (
    <section className="ecg-wide">
      <p className="ecg-legend">{t.unconfirmedLegend}{isChanged && <strong data-testid="unsaved"> · {t.sourceMarks.doctor}{t.colon}{t.unsaved}</strong>}</p>
      <dl className="ecg-beat-numbers" aria-live="polite" data-testid="beat-numbers">
        {SHOWN.map((key) => (
          <div key={key} className={doctors[key] === undefined ? '' : 'changed'}>
            <dt>{measurementText(key, 0, w).name}</dt>
            <dd><span data-testid={`beat-gateway-${key}`}>{text(ours[key], key)}</span> <SourceMark source="gateway" /></dd>
            <dd className="counts"><span data-testid={`beat-doctor-${key}`}>{text(doctors[key], key)}</span> <SourceMark source="doctor" /></dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
