/**
 * What was measured, and by whom: the reader's calipers, the cart's numbers, the cart's words. The words of the cart
 * stay here: nothing copies them into a report.
 */
import type { ReactNode } from 'react';

import { ecg as api } from '../api/ecg';
import type { EcgAnalysisView, EcgView } from '../api/types';
import { useRoomWords } from '../words/language';
import { type Caliper, readCaliper } from './calipers';
import type { Sheet } from './geometry';
import { FurtherNumbers, MeasurementsPanel } from './measurements_panel';
import { qtcTexts, qtSentence, type RateSource, readingSentence, readingText } from './read_out';
import * as words from './words';
import * as toolWords from './words_tools';

interface SidePanelProps {
  ecg: EcgView;
  /** null until the server has answered. */
  analysis: EcgAnalysisView | null;
  /** The paper shows a preview, which is not the record: nothing measured on it goes into a report. */
  isPreview: boolean;
  sheet: Sheet;
  calipers: readonly Caliper[];
  /** The RR that the file or the gateway states, for a QT without a second caliper. */
  statedRate: RateSource | null;
  onMeasurement: ((text: string) => void) | undefined;
  /** Further sections. */
  children?: ReactNode;
}

export function SidePanel({ ecg, analysis, isPreview, sheet, calipers, statedRate, onMeasurement, children }: SidePanelProps) {
  const w = useRoomWords(words);
  const t = useRoomWords(toolWords);
  const beat = calipers.find((caliper) => caliper.kind === 'time');
  const rate: RateSource | null = beat === undefined ? statedRate : { rrMs: readCaliper(beat, sheet).ms ?? 0, from: 'caliper' };
  return (
    <aside className="ecg-side" aria-label={w.deviceMeasurements} data-testid="ecg-side">
      <section className="ecg-readings" aria-live="polite">
        <h3>{w.ownMeasurements}</h3>
        {calipers.length === 0 && <span className="secondary">{w.noOwnMeasurements}</span>}
        {calipers.map((caliper) => {
          const reading = readCaliper(caliper, sheet);
          const qtMs = caliper.kind === 'qt' ? reading.ms : null;
          const sentence = qtMs === null ? readingSentence(reading, w) : qtSentence(qtMs, rate, w);
          return (
            <div key={caliper.kind}>
              <output data-testid={`caliper-${caliper.kind}-readout`} data-ms={reading.ms?.toFixed(3)} data-mv={reading.mv?.toFixed(4)}>
                {qtMs === null ? readingText(reading, w) : `QT ${readingText(reading, w)}`}
              </output>
              {onMeasurement && !isPreview && <Insert testId={`insert-${caliper.kind}`} onPress={() => { onMeasurement(sentence); }} />}
              {qtMs !== null && <Corrected qtMs={qtMs} rate={rate} />}
            </div>
          );
        })}
      </section>
      {children}
      <MeasurementsPanel ecg={ecg} analysis={analysis} onMeasurement={onMeasurement} />
      <section className="ecg-statements" data-testid="device-statements">
        <strong>{w.deviceStatements}</strong>
        {ecg.statements.length === 0 ? <span className="secondary">{w.noStatements}</span> : (
          <ul>{ecg.statements.map((statement) => <li key={statement}>{statement}{analysis?.critical_statements.includes(statement) === true && <small className="ecg-caution"> {t.criticalMark}</small>}</li>)}</ul>
        )}
      </section>
      <FurtherNumbers analysis={analysis} />
      {ecg.notes.length > 0 && (
        <section data-testid="ecg-notes-of-file">
          <h3>{t.notes}</h3>
          <ul>{ecg.notes.map((note) => <li key={note}>{note}</li>)}</ul>
        </section>
      )}
      {ecg.warnings.length > 0 && (
        <section data-testid="ecg-warnings">
          <h3>{w.warnings}</h3>
          <ul>{ecg.warnings.map((warning) => <li key={warning}>{warning}</li>)}</ul>
        </section>
      )}
      <section className="secondary">
        {ecg.device_model !== '' && <div>{w.device} {ecg.device_model}</div>}
        <a href={api.originalUrl(ecg.instance_id)} download data-testid="ecg-original">{w.original}</a>
      </section>
    </aside>
  );
}

function Corrected({ qtMs, rate }: { qtMs: number; rate: RateSource | null }) {
  const w = useRoomWords(words);
  const values = qtcTexts(qtMs, rate, w);
  if (rate === null || values.length === 0) return <span className="secondary" data-testid="qtc-none">{w.noRate}</span>;
  return (
    <dl className="ecg-qtc" data-testid="qtc">
      <div><dt>RR</dt><dd>{rate.rrMs.toFixed(0)} ms({w.rateFrom[rate.from]})</dd></div>
      {values.map(({ name, value }) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}
    </dl>
  );
}

function Insert({ testId, onPress }: { testId: string; onPress: () => void }) {
  const w = useRoomWords(words);
  return <button type="button" className="button" data-testid={testId} onClick={onPress}>{w.insert}</button>;
}
