/** How the reading service does, for heads: times by stage, months, load, indicators, a table and a file. */
import { useState } from 'react';

import { figures as api } from '../api/figures';
import type { FiguresQuery } from '../api/quality';
import type { ReadingFigureLine, ReadingFiguresView } from '../api/types';
import { useResource } from '../app/resource';
import { Link } from '../app/router';
import { monthBefore } from '../model/months';
import { SelectField, TextField } from '../parts/field';
import { Empty, Loading, ProblemNote } from '../parts/notes';
import { useRoomWords } from '../words/language';
import { Hours, Months, Stages } from './charts';
import { breachRate, rateText, spanText } from './spans';
import * as words from './words';
import './figures.css';

const PER = ['site', 'reader', 'modality', 'group'] as const;
const SHOWN_MONTHS = 6;

export default function ReadingFiguresPage() {
  const w = useRoomWords(words);
  const [asked, setAsked] = useState<FiguresQuery>(() => {
    const now = new Date();
    const month = `${String(now.getFullYear())}-${String(now.getMonth() + 1).padStart(2, '0')}`;
    return { per: 'site', from: monthBefore(month, SHOWN_MONTHS - 1), to: month };
  });
  const found = useResource((signal) => api.show(asked, signal), JSON.stringify(asked));
  const month = (name: 'from' | 'to') => (
    <TextField label={w[name]} type="month" value={asked[name]} onChange={(event) => { if (event.target.value !== '') setAsked({ ...asked, [name]: event.target.value }); }} data-testid={`figures-${name}`} />
  );
  return (
    <div className="reading-figures" data-testid="reading-figures">
      <header>
        <h1>{w.title}</h1>
        <Link href="/quality">{w.quality}</Link>
        <SelectField label={w.per} value={asked.per} onChange={(event) => { setAsked({ ...asked, per: event.target.value }); }} data-testid="figures-per">
          {PER.map((one) => <option key={one} value={one}>{w.perNames[one]}</option>)}
        </SelectField>
        {month('from')}
        {month('to')}
        <a className="button" href={api.csvUrl(asked)} download data-testid="figures-csv">{w.csv}</a>
      </header>
      <ProblemNote problem={found.problem} onRetry={found.reload} />
      {found.data === null ? found.problem === null && <Loading /> : <Figures figures={found.data} />}
    </div>
  );
}

function Figures({ figures }: { figures: ReadingFiguresView }) {
  const w = useRoomWords(words);
  if (figures.total.studies === 0) {
    return (
      <Empty>
        <p>{w.nothing}</p>
        <p className="secondary">{w.nothingHint}</p>
      </Empty>
    );
  }
  return (
    <>
      <div className="reading-pictures">
        <section>
          <h2>{w.stagesTitle}</h2>
          <Stages line={figures.total} />
          <p className="secondary">{w.stagesHint}</p>
        </section>
        <section>
          <h2>{w.monthsTitle}</h2>
          <Months lines={figures.by_month} />
          <h2>{w.hoursTitle}</h2>
          <Hours line={figures.total} />
        </section>
      </div>
      <Indicators figures={figures} />
      <Table figures={figures} />
    </>
  );
}

function Indicators({ figures }: { figures: ReadingFiguresView }) {
  const w = useRoomWords(words);
  const codes = [...new Set(figures.indicators.map((one) => one.code))];
  return (
    <section className="indicators">
      <h2>{w.indicatorsTitle}</h2>
      <div className="figures-scroll">
        <table data-testid="indicators">
          <thead>
            <tr>
              <th scope="col" className="is-text">{w.indicatorsTitle}</th>
              {figures.months.map((month) => <th key={month} scope="col">{month}</th>)}
            </tr>
          </thead>
          <tbody>
            {codes.map((code) => (
              <tr key={code} data-code={code}>
                <th scope="row" className="is-text">{w.indicators[code]?.[0] ?? code} <span className="secondary">{w.indicators[code]?.[1]}</span></th>
                {figures.indicators.filter((one) => one.code === code).map((one) => (
                  <td key={one.month}>
                    {one.denominator === null ? w.count(one.numerator) : <>{rateText(one.value)} <span className="secondary">{one.denominator > 0 ? w.ratio(one.numerator, one.denominator) : ''}</span></>}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Table({ figures }: { figures: ReadingFiguresView }) {
  const w = useRoomWords(words);
  const { columns } = w;
  const isReader = figures.per === 'reader';
  const name = (line: ReadingFigureLine) => (line.name !== '' ? line.name : isReader ? w.noWriter : w.unknown);
  const numbers = (line: ReadingFigureLine) => {
    const review = line.stages['review'];
    const late = breachRate(review);
    return (
      <>
        <td>{line.studies}</td>
        <td>{line.signed}</td>
        <td>{line.still_open}</td>
        <td>{line.returned}</td>
        {isReader && <td>{line.reviewed}</td>}
        <td>{rateText(line.positive_rate)}</td>
        <td>{line.critical}</td>
        <td>{line.rejections}</td>
        <td>{spanText(review?.median_s, w)}</td>
        <td>{spanText(review?.p90_s, w)}</td>
        <td className={late !== null && late > 0 ? 'is-late' : undefined}>{rateText(late)}</td>
      </>
    );
  };
  return (
    <section>
      <h2>{w.tableTitle}</h2>
      <div className="figures-scroll">
        <table data-testid="figures-table">
          <thead>
            <tr>
              <th scope="col" className="is-text">{w.perNames[figures.per]}</th>
              {(['studies', 'signed', 'open', 'returned'] as const).map((one) => <th key={one} scope="col">{columns[one]}</th>)}
              {isReader && <th scope="col">{columns.reviewed}</th>}
              {(['positive', 'critical', 'rejections', 'median', 'p90', 'late'] as const).map((one) => <th key={one} scope="col">{columns[one]}</th>)}
            </tr>
          </thead>
          <tbody>
            {[...figures.totals].sort((a, b) => b.studies - a.studies || a.key.localeCompare(b.key)).map((line) => (
              <tr key={line.key} data-key={line.key}>
                <th scope="row" className="is-text">{name(line)}</th>
                {numbers(line)}
              </tr>
            ))}
          </tbody>
          <tfoot>
            <tr>
              <th scope="row" className="is-text">{w.all}</th>
              {numbers(figures.total)}
            </tr>
          </tfoot>
        </table>
      </div>
    </section>
  );
}
