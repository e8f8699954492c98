/**
 * What was measured, and by whom: the reader's calipers, the cart's numbers, the cart's words. The words of the cart
 * stay here: nothing copies them into a report.
 */
import type { EcgView } from '../api/types';
import { ecg as api } from '../api/ecg';
import { useRoomWords } from '../words/language';
import { type Caliper, readCaliper } from './calipers';
import type { Sheet } from './geometry';
import { measurementText, readingSentence, readingText } from './read_out';
import * as words from './words';

interface SidePanelProps {
  ecg: EcgView;
  sheet: Sheet;
  calipers: readonly Caliper[];
  onMeasurement: ((text: string) => void) | undefined;
}

export function SidePanel({ ecg, sheet, calipers, onMeasurement }: SidePanelProps) {
  const w = useRoomWords(words);
  const measured = Object.entries(ecg.measurements).map(([key, value]) => ({ key, ...measurementText(key, value, w) }));
  return (
    <aside className="ecg-side" aria-label={w.deviceMeasurements}>
      <section className="ecg-readings" aria-live="polite">
        <h3>{w.ownMeasurements}</h3>
        {calipers.length === 0 && <span className="secondary">{w.noOwnMeasurements}</span>}
        {calipers.map((caliper) => {
          const reading = readCaliper(caliper, sheet);
          return (
            <div key={caliper.kind}>
              <output data-testid={`caliper-${caliper.kind}-readout`} data-ms={reading.ms?.toFixed(3)} data-mv={reading.mv?.toFixed(4)}>
                {readingText(reading, w)}
              </output>
              {onMeasurement && <Insert testId={`insert-${caliper.kind}`} onPress={() => { onMeasurement(readingSentence(reading, w)); }} />}
            </div>
          );
        })}
      </section>
      <section>
        <h3>{w.deviceMeasurements}</h3>
        {measured.length === 0 ? <span className="secondary">{w.noMeasurements}</span> : (
          <dl data-testid="device-measurements">
            {measured.map(({ key, name, value }) => (
              <div key={key} style={{ display: 'contents' }}>
                <dt>{name}</dt>
                <dd data-testid={`device-${key}`}>{value}</dd>
                <dd>{onMeasurement && <Insert testId={`insert-${key}`} onPress={() => { onMeasurement(w.insertDevice(name, value)); }} />}</dd>
              </div>
            ))}
          </dl>
        )}
      </section>
      <section className="ecg-statements" data-testid="device-statements">
        <strong>{w.deviceStatements}</strong>
        {ecg.statements.length === 0 ? <span className="secondary">{w.noStatements}</span> : (
          <ul>{ecg.statements.map((statement) => <li key={statement}>{statement}</li>)}</ul>
        )}
      </section>
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

function Insert({ testId, onPress }: { testId: string; onPress: () => void }) {
  const w = useRoomWords(words);
  return <button type="button" className="button" data-testid={testId} onClick={onPress}>{w.insert}</button>;
}
