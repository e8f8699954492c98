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
  const cell = (value: number | undefined, key: string) => (value === undefined ? '–' : measurementText(key, value, w).value);
  return (
    <section aria-live="polite">
      <table className="ecg-compare" data-testid="beat-numbers">
        <thead>
          <tr>
            <th />
            <th scope="col"><SourceMark source="gateway" /></th>
            <th scope="col"><SourceMark source="doctor" /> {isChanged && <strong className="ecg-caution" data-testid="unsaved">{t.unsaved}</strong>}</th>
          </tr>
        </thead>
        <tbody>
          {SHOWN.map((key) => (
            <tr key={key}>
              <th scope="row">{measurementText(key, 0, w).name}</th>
              <td data-testid={`beat-gateway-${key}`}>{cell(ours[key], key)}</td>
              <td className="counts" data-testid={`beat-doctor-${key}`}>{cell(doctors[key], key)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
