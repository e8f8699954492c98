/**
 * Measurements as text: what the picture shows, for the report, for the screen reader, and for tests.
 */
import { useRoomWords } from '../words/language';
import type { Measurement } from './rulers';
import * as words from './words';

type Words = typeof words.zh;

interface MeasurementListProps {
  measurements: readonly Measurement[];
  onShow: (index: number) => void;
  onRemove: (id: string) => void;
  onInsert?: (text: string) => void;
}

/** "82.2 mm (探测器平面)" or "231.4 px 未校准". Tenths of a millimetre are as fine as a hand can place. */
export function lengthText(w: Words, { length }: Pick<Measurement, 'length'>): string {
  if (length.mm === null) return `${length.px.toFixed(1)} ${w.notCalibrated}`;
  const how = w.spacing[length.kind];
  return `${length.mm.toFixed(1)} mm${how === '' ? '' : ` (${how})`}`;
}

export function MeasurementList({ measurements, onShow, onRemove, onInsert }: MeasurementListProps) {
  const w = useRoomWords(words);
  if (measurements.length === 0) return null;
  return (
    <ol className="measurements" aria-label={w.measurements}>
      {measurements.map((one) => {
        const text = lengthText(w, one);
        return (
          <li key={one.id} data-testid="measurement" data-kind={one.length.kind} data-mm={one.length.mm === null ? '' : one.length.mm.toFixed(2)}>
            <button type="button" className="measured" onClick={() => { onShow(one.index); }}>{w.length} {text}</button>
            <small>{w.measuredOn(one.index + 1)}</small>
            {onInsert !== undefined && (
              <button type="button" onClick={() => { onInsert(`${w.length} ${text}`); }} data-testid="measurement-insert">{w.insert}</button>
            )}
            <button type="button" aria-label={w.remove} title={w.remove} onClick={() => { onRemove(one.id); }} data-testid="measurement-remove">×</button>
          </li>
        );
      })}
    </ol>
  );
}
