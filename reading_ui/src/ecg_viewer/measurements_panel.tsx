/**
 * Every number with its source, all sources side by side where they differ, and the reason where there is none (K2). A
 * number goes into the report only when somebody presses it; the gateway's then waits there in 【】 for confirmation.
 */
import type { EcgAnalysisView, EcgView } from '../api/types';
import { HintList } from '../parts/priority_hints';
import { useFormat, useWords } from '../words';
import { faultText } from '../words/ecg_quality';
import { useRoomWords } from '../words/language';
import { UNCONFIRMED } from '../words/report_marks';
import { type NumberRow, numberRows, SOURCES, ST_POINTS, stRows } from './number_rows';
import { measurementText } from './read_out';
import { RrPlot } from './rr_plot';
import { SourceMark } from './source_mark';
import * as words from './words';
import * as toolWords from './words_tools';

interface PanelProps {
  ecg: EcgView;
  /** null until the server has answered. */
  analysis: EcgAnalysisView | null;
  onMeasurement: ((text: string) => void) | undefined;
}

export function MeasurementsPanel({ ecg, analysis, onMeasurement }: PanelProps) {
  const t = useRoomWords(toolWords);
  const w = useRoomWords(words);
  const format = useFormat();
  const rows = numberRows(ecg.measurements, analysis);
  const measured = rows.filter((row) => row.counts !== null);
  const isAnyUnconfirmed = measured.some((row) => row.values.device !== null || row.values.gateway !== null);
  return (
    <>
      <Quality analysis={analysis} />
      <section className="ecg-wide" data-testid="ecg-numbers" data-state={analysis?.state ?? 'asking'}>
        <h3>{t.numbers} {isAnyUnconfirmed && <small className="ecg-legend">{t.unconfirmedLegend}</small>}</h3>
        {measured.length === 0 && <span className="secondary">{w.noMeasurements}</span>}
        <dl className="ecg-numbers" data-testid="device-measurements">
          {measured.map((row) => <NumberLine key={row.key} row={row} onMeasurement={onMeasurement} />)}
        </dl>
        {analysis?.corrected_at != null && (
          <p className="secondary" data-testid="corrected-by">{t.correctedBy(analysis.corrected_by ?? '', format.dateTime(analysis.corrected_at))}</p>
        )}
        {analysis?.state === 'waiting' && <p className="secondary" role="status">{t.waiting}</p>}
        {analysis?.state === 'failed' && <p className="ecg-caution">{t.failed(analysis.reason)}</p>}
        <Refused rows={rows} />
      </section>
      {analysis !== null && analysis.priority_hints.length > 0 && <section className="ecg-wide"><HintList hints={analysis.priority_hints} /></section>}
    </>
  );
}

/** What is asked for less often: ST lead by lead, RR beat by beat. */
export function FurtherNumbers({ analysis }: { analysis: EcgAnalysisView | null }) {
  if (analysis === null) return null;
  return (
    <>
      <StTable stNv={analysis.st_nv} />
      {analysis.rr_ms.length > 1 && <RrPlot rrMs={analysis.rr_ms} />}
    </>
  );
}

/** Name and the value that counts; the others only where they say something else. */
function NumberLine({ row, onMeasurement }: { row: NumberRow; onMeasurement: ((text: string) => void) | undefined }) {
  const t = useRoomWords(toolWords);
  const w = useRoomWords(words);
  const name = row.key === 'qtc_ms' ? t.qtcUnknown : measurementText(row.key, 0, w).name;
  const shown = SOURCES.filter((source) => row.values[source] !== null && (row.isDifferent || source === row.counts));
  return (
    <div className="ecg-number" data-testid={`number-${row.key}`} data-source={row.counts} title={row.isDifferent ? t.differs : undefined}>
      <dt>{name}</dt>
      {shown.map((source) => {
        const agreeing = row.isDifferent ? [source] : SOURCES.filter((one) => row.values[one] !== null);
        const { value } = measurementText(row.key, row.values[source] ?? 0, w);
        const text = source === 'gateway' ? `【${name} ${value}${UNCONFIRMED}】` : t.insertText[source](name, value);
        return (
          <dd key={source} className={source === row.counts ? 'counts' : ''}>
            {row.isDifferent && source !== row.counts && <span className="ecg-differs" aria-label={t.differs}>≠</span>}
            {onMeasurement === undefined ? <span data-testid={`${source}-${row.key}`}>{value}</span> : (
              <button type="button" data-testid={`${source}-${row.key}`} title={t.insertHint(text)} onClick={() => { onMeasurement(text); }}>{value}</button>
            )}
            {agreeing.map((one) => <SourceMark key={one} source={one} />)}
          </dd>
        );
      })}
    </div>
  );
}

/** What the gateway could not measure, by reason. */
function Refused({ rows }: { rows: readonly NumberRow[] }) {
  const t = useRoomWords(toolWords);
  const w = useRoomWords(words);
  const byReason = new Map<string, string[]>();
  for (const { key, reason } of rows) if (reason !== null) byReason.set(reason, [...(byReason.get(reason) ?? []), measurementText(key, 0, w).name]);
  if (byReason.size === 0) return null;
  return (
    <div className="ecg-refused" data-testid="not-measurable">
      <b>{t.notMeasurable}</b>
      <ul>{[...byReason].map(([reason, names]) => <li key={reason} data-reason={reason}>{names.join(t.comma)}{t.colon}{t.reasons[reason] ?? reason}</li>)}</ul>
    </div>
  );
}

function Quality({ analysis }: { analysis: EcgAnalysisView | null }) {
  const t = useRoomWords(toolWords);
  const common = useWords().ecgQuality;
  if (analysis === null || analysis.hints.length === 0) return null;
  return (
    <section className={analysis.is_repeat_advised ? 'ecg-repeat' : ''} data-testid="ecg-quality" data-repeat={analysis.is_repeat_advised}>
      <h3>{analysis.is_repeat_advised ? t.repeat : t.quality}</h3>
      <ul>
        {analysis.hints.map((hint) => (
          <li key={`${hint.kind} ${hint.leads.join(' ')} ${hint.detail}`} className={hint.is_repeat_advised ? 'ecg-caution' : ''}>{faultText(hint, common)}</li>
        ))}
      </ul>
    </section>
  );
}

function StTable({ stNv }: { stNv: Record<string, Record<string, number>> }) {
  const t = useRoomWords(toolWords);
  const rows = stRows(stNv);
  if (rows.length === 0) return null;
  return (
    <details className="ecg-st" data-testid="ecg-st">
      <summary>{t.st} <SourceMark source="gateway" /></summary>
      <p className="ecg-legend">{t.unconfirmedLegend}</p>
      <table>
        <thead><tr><th scope="col">{t.lead}</th>{ST_POINTS.map((point) => <th key={point} scope="col">{t.stPoints[point]}</th>)}</tr></thead>
        <tbody>
          {rows.map(({ lead, mv }) => (
            <tr key={lead}>
              <th scope="row">{lead}</th>
              {mv.map((value, index) => <td key={ST_POINTS[index]}>{value === null ? '–' : signed(value)}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}

function signed(mv: number): string {
  const text = mv.toFixed(2);
  return Number(text) === 0 ? '0.00' : mv > 0 ? `+${text}` : text.replace('-', '−');
}
