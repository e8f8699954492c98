/** Load by hour of the day: a row before, a row by the draft, for every group and reader. Numbers stand in the cells. */
import type { SimulatedLoad } from '../api/types';
import { groupName, readerName, type Speaking } from './sentences';
import { useRulesWords } from './use_words';

const HOURS = Array.from({ length: 24 }, (_, hour) => hour);

export function HeatMap({ load, days, on }: { load: SimulatedLoad[]; days: number; on: Speaking }) {
  const w = useRulesWords();
  const perDay = (studies: number): number => studies / Math.max(1, days);
  const most = Math.max(0, ...load.flatMap((one) => [...one.before, ...one.after]).map(perDay));
  return (
    <div className="table-frame heat-frame" tabIndex={0} role="region" aria-label={w.loadTitle}>
      <table className="heat" data-testid="sim-heat">
        <thead>
          <tr>
            <th scope="col" colSpan={2} aria-label={w.toWhom} />
            {HOURS.map((hour) => <th key={hour} scope="col">{hour}</th>)}
            <th scope="col">{w.loadTotal}</th>
            <th scope="col">{w.loadPeak}</th>
          </tr>
        </thead>
        {load.map((one) => (
          <tbody key={`${String(one.is_reader)}-${one.id}`}>
            {([['before', one.before, one.before_total, one.peak_before], ['after', one.after, one.after_total, one.peak_after]] as const).map(([side, hours, total, peak]) => (
              <tr key={side} data-side={side}>
                {side === 'before' && <th scope="rowgroup" rowSpan={2} className="heat-who">{one.id === '' ? w.whoever : one.is_reader ? readerName(one.id, on) : groupName(one.id, on)}</th>}
                <th scope="row">{side === 'before' ? w.loadBefore : w.loadAfter}</th>
                {HOURS.map((hour) => {
                  const value = perDay(hours[hour] ?? 0);
                  return (
                    <td key={hour} className={`heat-${String(shade(value, most))}`}>
                      {short(value)}
                    </td>
                  );
                })}
                <td className="heat-total">{round(total)}</td>
                <td className="heat-total">{round(peak)}</td>
              </tr>
            ))}
          </tbody>
        ))}
      </table>
    </div>
  );
}

/** Six shades, so that the darkest cells stand out without a legend. */
export function shade(value: number, most: number): number {
  return value <= 0 || most <= 0 ? 0 : Math.max(1, Math.ceil((value / most) * 5));
}

/** Two signs at most; nothing is an empty cell, little is "·". */
export function short(value: number): string {
  if (value <= 0) return '';
  if (value < 0.1) return '·';
  return value < 9.95 ? value.toFixed(1) : String(Math.round(value));
}

function round(value: number): string {
  return String(Math.round(value * 10) / 10);
}
