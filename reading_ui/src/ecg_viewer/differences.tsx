/** The numbers of two ECGs and what became of them; where the sources are not the same the list says so. */
import type { EcgAnalysisView, EcgPreviousView } from '../api/types';
import { useRoomWords } from '../words/language';
import type { Source } from './measurements';
import { differences, numberRows } from './number_rows';
import { measurementText } from './read_out';
import { SourceMark } from './source_mark';
import * as words from './words';
import * as toolWords from './words_tools';

interface DifferencesProps {
  earlier: EcgPreviousView;
  earlierTime: string;
  now: EcgAnalysisView | null;
  ofDevice: Readonly<Record<string, number>>;
  nowTime: string;
}

export function Differences({ earlier, earlierTime, now, ofDevice, nowTime }: DifferencesProps) {
  const w = useRoomWords(words);
  const t = useRoomWords(toolWords);
  const rows = differences(numberRows({}, { measurements: earlier.measurements, not_measurable: {} }), numberRows(ofDevice, now));
  const said = (key: string, value: number | null) => (value === null ? '–' : measurementText(key, value, w).value);
  const mark = (source: Source | null) => source !== null && <SourceMark source={source} />;
  return (
    <aside className="ecg-side serial" aria-label={t.serial} data-testid="serial-side">
      <section className="ecg-wide">
        <p className="ecg-legend">
          <b><span className="earlier">{t.earlier} {earlierTime}</span> → {t.now} {nowTime}</b> · {t.unconfirmedLegend}
        </p>
        <ul className="ecg-differences" data-testid="serial-numbers">
          {rows.map((row) => (
            <li key={row.key} data-testid={`serial-${row.key}`}>
              <span className="name">{measurementText(row.key, 0, w).name}</span>
              <span>
                <span className="earlier" aria-label={`${t.earlier} ${said(row.key, row.earlier)}`}>{said(row.key, row.earlier)}</span>
                {row.earlierSource !== row.nowSource && mark(row.earlierSource)} → <span aria-label={`${t.now} ${said(row.key, row.now)}`}>{said(row.key, row.now)}</span> {mark(row.nowSource)}
              </span>
              <b aria-label={t.difference} data-testid={`difference-${row.key}`}>
                {row.grew === null ? '–' : `${row.grew > 0 ? '+' : row.grew < 0 ? '−' : '±'}${measurementText(row.key, Math.abs(row.grew), w).value}`}
              </b>
              {row.isMixed && <small className="ecg-caution">{t.mixed}</small>}
            </li>
          ))}
        </ul>
      </section>
    </aside>
  );
}
