/** How good the pictures are, for heads: per device or person, month by month, in pictures, a table and a file. */
import { useState } from 'react';

import { quality as api } from '../api/quality';
import type { FigureLine, QualityFigures } from '../api/types';
import { useResource } from '../app/resource';
import { CheckField } from '../parts/field';
import { FiguresFrame, useFiguresQuery } from '../parts/figures_frame';
import { Empty, Loading, ProblemNote } from '../parts/notes';
import { useLanguage, useRoomWords } from '../words/language';
import { Columns, Shares } from './charts';
import { bySubject, GRADES, rateOf, reasonCounts, type Sum, summed } from './sums';
import * as words from './words';
import './figures.css';

const PER = ['device', 'operator', 'site', 'modality', 'grader'] as const;

export default function QualityFiguresPage() {
  const w = useRoomWords(words);
  const [asked, setAsked] = useFiguresQuery('device');
  const figures = useResource((signal) => api.figures(asked, signal), JSON.stringify(asked));
  return (
    <FiguresFrame words={w} per={PER} asked={asked} onAsk={setAsked} other={{ href: '/figures', word: w.reading }} csvUrl={api.csvUrl(asked)} testId="quality-figures">
      <ProblemNote problem={figures.problem} onRetry={figures.reload} />
      {figures.data === null ? figures.problem === null && <Loading /> : <Figures figures={figures.data} />}
    </FiguresFrame>
  );
}

function Figures({ figures }: { figures: QualityFigures }) {
  const w = useRoomWords(words);
  const language = useLanguage();
  const [isMonthly, setMonthly] = useState(false);
  const isGraded = figures.lines.some((line) => line.graded > 0 || line.retakes > 0);
  if (!isGraded) {
    return (
      <Empty>
        <p>{w.nothing}</p>
        <p className="secondary">{w.nothingHint}</p>
      </Empty>
    );
  }
  const subjects = summed(figures.lines, bySubject);
  const graded = subjects.filter((sum) => sum.graded > 0).sort((a, b) => (rateOf(b) ?? 0) - (rateOf(a) ?? 0) || b.graded - a.graded);
  const months = figures.months.map((name) => summed(figures.lines.filter((line) => line.month === name), () => name)[0] ?? null);
  const nameOf = (line: FigureLine | null): string => (line === null ? '' : line.name === '' ? (figures.per === 'site' ? line.site_name : w.unknown) : line.name);
  const reasons = reasonCounts(figures.lines).map(([code, count]): [string, number] => {
    const reason = figures.reasons.find((one) => one.code === code);
    return [(language === 'zh' ? reason?.zh : reason?.en) ?? code, count];
  });
  return (
    <>
      <div className="figures-pictures">
        <section className="figures-shares">
          <h2>{w.shares}</h2>
          <Shares rows={graded.map((sum) => ({ name: nameOf(sum.line), under: figures.per === 'site' ? '' : (sum.line?.site_name ?? ''), sum }))} />
        </section>
        <section>
          <h2>{w.rateByMonth}</h2>
          <Columns columns={figures.months.map((name, index) => ({ name, sum: months[index] ?? null }))} />
        </section>
        <section>
          <h2>{w.whyRejected}</h2>
          <ol className="figures-reasons">
            {reasons.slice(0, 8).map(([name, count]) => (
              <li key={name}><span>{name}</span> <i aria-hidden style={{ width: `${String((count / (reasons[0]?.[1] ?? 1)) * 100)}%` }} /> <b>{count}</b></li>
            ))}
          </ol>
        </section>
      </div>
      <p className="secondary">{w.rateHint} {figures.per === 'operator' && w.operatorHint}</p>
      <CheckField label={w.byMonth} checked={isMonthly} onChange={(event) => { setMonthly(event.target.checked); }} data-testid="figures-monthly" />
      <Table figures={figures} sums={isMonthly ? summed(figures.lines, (line) => `${line.month}\n${bySubject(line)}`) : subjects} isMonthly={isMonthly} nameOf={nameOf} />
    </>
  );
}

interface TableProps {
  figures: QualityFigures;
  sums: readonly Sum[];
  isMonthly: boolean;
  nameOf: (line: FigureLine | null) => string;
}

function Table({ figures, sums, isMonthly, nameOf }: TableProps) {
  const w = useRoomWords(words);
  const { columns } = w;
  const hasStudies = figures.per !== 'operator' && figures.per !== 'grader';
  const total = summed(figures.lines, () => 'all')[0];
  const numbers = (sum: Sum) => (
    <>
      {hasStudies && <td>{sum.studies}</td>}
      <td>{sum.graded}</td>
      {GRADES.map((grade) => <td key={grade}>{sum[grade]}</td>)}
      <td><b>{percent(rateOf(sum))}</b></td>
      <td>{sum.retakes}</td>
      <td>{sum.retaken}</td>
      <td>{sum.declined}</td>
    </>
  );
  return (
    <div className="figures-table">
      <table data-testid="figures-table">
        <thead>
          <tr>
            {isMonthly && <th scope="col" className="is-text">{columns.month}</th>}
            {figures.per !== 'site' && <th scope="col" className="is-text">{w.perNames[figures.per]}</th>}
            <th scope="col" className="is-text">{columns.site}</th>
            {hasStudies && <th scope="col">{columns.studies}</th>}
            <th scope="col">{columns.graded}</th>
            {GRADES.map((grade) => <th key={grade} scope="col">{w.gradeNames[grade]}</th>)}
            <th scope="col">{columns.rejectedRate}</th>
            <th scope="col">{columns.retakes}</th>
            <th scope="col">{columns.retaken}</th>
            <th scope="col">{columns.declined}</th>
          </tr>
        </thead>
        <tbody>
          {sums.map((sum) => (
            <tr key={sum.key}>
              {isMonthly && <td className="is-text">{sum.month}</td>}
              {figures.per !== 'site' && <th scope="row" className="is-text">{nameOf(sum.line)}</th>}
              <td className="is-text">{sum.line?.site_name}</td>
              {numbers(sum)}
            </tr>
          ))}
        </tbody>
        {total !== undefined && (
          <tfoot>
            <tr>
              <th scope="row" className="is-text" colSpan={1 + Number(isMonthly) + Number(figures.per !== 'site')}>{w.all}</th>
              {numbers(total)}
            </tr>
          </tfoot>
        )}
      </table>
    </div>
  );
}

export function percent(rate: number | null): string {
  return rate === null ? '–' : `${(rate * 100).toFixed(1)} %`;
}
