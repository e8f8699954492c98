/** Two plain charts: shares of grades in a bar a subject, and the rate of rejection in a column a month. */
import { useRoomWords } from '../words/language';
import { GRADES, rateOf, type Sum } from './sums';
import * as words from './words';

interface Row {
  name: string;
  under: string;
  sum: Sum;
}

const MOST_ROWS = 12;

export function Shares({ rows }: { rows: readonly Row[] }) {
  const w = useRoomWords(words);
  return (
    <>
      <p className="legend" aria-hidden>
        {GRADES.map((grade) => <span key={grade}><i className={`tone-${grade}`} /> {w.gradeNames[grade]}</span>)}
      </p>
      <ol className="shares" data-testid="shares">
        {rows.slice(0, MOST_ROWS).map(({ name, under, sum }) => (
          <li key={sum.key}>
            <span className="shares-name">{name} {under !== '' && <span className="secondary">{under}</span>}</span>
            <span className="shares-bar" role="img" aria-label={GRADES.map((grade) => `${w.gradeNames[grade] ?? grade} ${String(sum[grade])}`).join(w.listComma)}>
              {GRADES.filter((grade) => sum[grade] > 0).map((grade) => (
                <i key={grade} className={`tone-${grade}`} style={{ flexGrow: sum[grade] }}>{sum[grade]}</i>
              ))}
            </span>
            <b>{short(rateOf(sum))}</b>
          </li>
        ))}
      </ol>
    </>
  );
}

export function Columns({ columns }: { columns: readonly { name: string; sum: Sum | null }[] }) {
  const w = useRoomWords(words);
  const rates = columns.map(({ sum }) => (sum === null ? null : rateOf(sum)));
  const highest = Math.max(0.05, ...rates.map((rate) => rate ?? 0));
  return (
    <ol className="columns" data-testid="columns">
      {columns.map(({ name, sum }, index) => {
        const rate = rates[index] ?? null;
        return (
          <li key={name} title={sum === null ? '' : w.rateOf(sum.rejected, sum.graded)}>
            <b>{short(rate)}</b>
            <span className="columns-space">{rate !== null && <i style={{ height: `${String((rate / highest) * 100)}%` }} />}</span>
            <span className="secondary">{name.slice(2)}</span>
          </li>
        );
      })}
    </ol>
  );
}

function short(rate: number | null): string {
  return rate === null ? '–' : `${(rate * 100).toFixed(rate < 0.1 ? 1 : 0)}%`;
}
