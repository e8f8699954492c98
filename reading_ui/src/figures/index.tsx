/** How the reading service does, for heads: times by stage, months, load, indicators, a table and a file. */
import { figures as api } from '../api/figures';
import type { ReadingFigureLine, ReadingFiguresView } from '../api/types';
import { useResource } from '../app/resource';
import { FiguresFrame, useFiguresQuery } from '../parts/figures_frame';
import { Empty, Loading, ProblemNote } from '../parts/notes';
import { useRoomWords } from '../words/language';
import { Hours, Months, Stages } from './charts';
import { breachRate, rateText, spanText } from './spans';
import * as words from './words';
import './figures.css';

const PER = ['site', 'reader', 'modality', 'group'] as const;

export default function ReadingFiguresPage() {
  const w = useRoomWords(words);
  const [asked, setAsked] = useFiguresQuery('site');
  const found = useResource((signal) => api.show(asked, signal), JSON.stringify(asked));
  return (
    <FiguresFrame words={w} per={PER} asked={asked} onAsk={setAsked} other={{ href: '/quality', word: w.quality }} csvUrl={api.csvUrl(asked)} testId="reading-figures">
      <ProblemNote problem={found.problem} onRetry={found.reload} />
      {found.data === null ? found.problem === null && <Loading /> : <Figures figures={found.data} />}
    </FiguresFrame>
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
      <div className="figures-table">
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
      <div className="figures-table">
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
