/** The numbers of two ECGs and what became of them; where the sources are not the same the table says so. */
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
  const cell = (key: string, value: number | null, source: Source | null) => (
    value === null || source === null ? '–' : <>{measurementText(key, value, w).value} <SourceMark source={source} /></>
  );
  return (
    <aside className="ecg-side serial" aria-label={t.serial} data-testid="serial-side">
      <section className="ecg-wide">
        <p className="ecg-legend">{t.unconfirmedLegend}</p>
        <table className="ecg-compare" data-testid="serial-numbers">
          <thead>
            <tr>
              <th />
              <th scope="col" className="earlier">{t.earlier}<small>{earlierTime}</small></th>
              <th scope="col">{t.now}<small>{nowTime}</small></th>
              <th scope="col">{t.difference}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.key} data-testid={`serial-${row.key}`}>
                <th scope="row">{measurementText(row.key, 0, w).name}</th>
                <td className="earlier">{cell(row.key, row.earlier, row.earlierSource)}</td>
                <td>{cell(row.key, row.now, row.nowSource)}</td>
                <td className="counts" data-testid={`difference-${row.key}`}>
                  {row.grew === null ? '–' : `${row.grew > 0 ? '+' : row.grew < 0 ? '−' : '±'}${measurementText(row.key, Math.abs(row.grew), w).value}`}
                  {row.isMixed && <small className="ecg-caution"> {t.mixed}</small>}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </aside>
  );
}
