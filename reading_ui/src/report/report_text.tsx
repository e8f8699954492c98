/** A report to read. Unsigned words carry the mark 草稿 across them; a final one says who answers for it (K5). */
import { reports as api } from '../api/endpoints';
import type { ReportView } from '../api/types';
import { Icon } from '../parts/icons';
import { ReportStateMark } from '../parts/marks';
import { useFormat } from '../words';
import { useReportWords } from './use_words';

const SIGNED = new Set(['preliminary', 'final', 'replaced']);

export function isSigned(report: ReportView): boolean {
  return SIGNED.has(report.state);
}

export function ReportText({ report, kind, modality }: { report: ReportView; kind: string; modality: string }) {
  const w = useReportWords();
  const format = useFormat();
  const headings = w.report.sections[kind === 'ecg' ? 'ecg' : modality === 'US' ? 'us' : 'image'];
  const hints: Record<string, string> = {
    draft: w.report.draftHint,
    submitted: w.report.draftHint,
    preliminary: w.report.preliminaryHint,
    final: w.report.finalHint,
    replaced: w.report.replacedHint,
  };
  const people = [
    [w.report.writer, report.writer_name, report.written_at],
    [w.report.reviewer, report.reviewer_name, null],
    [w.report.signer, report.signed_by_name, report.signed_at],
  ] as const;
  return (
    <article className={`report-text is-${report.state}`} data-testid="report-text" data-state={report.state}>
      <header>
        <ReportStateMark state={report.state} /> <span className="secondary">{w.report.version(report.version)}</span>
        <p>{hints[report.state]}</p>
      </header>
      <div className="report-words" data-mark={isSigned(report) ? undefined : w.report.draftMark}>
        {(['technique', 'findings', 'impression'] as const).map((section) => (
          <section key={section}>
            <h3>{headings[section]}</h3>
            <p className="words">{report.text[section] || w.common.none}</p>
          </section>
        ))}
        <p>
          {report.text.is_positive !== null && <span className="badge">{report.text.is_positive ? w.report.positive : w.report.negative}</span>}{' '}
          {report.text.is_critical && (
            <span className="badge badge-critical">
              <Icon name="warning" /> {w.report.critical}
            </span>
          )}
        </p>
      </div>
      <dl className="facts">
        {people.map(([label, name, at]) =>
          name === null ? null : (
            <div key={label} className="facts-row">
              <dt>{label}</dt>
              <dd>
                {name}
                {at !== null && <span className="secondary"> {format.dateTime(at)}</span>}
              </dd>
            </div>
          ),
        )}
        {report.text_sha256 !== null && (
          <div className="facts-row">
            <dt>{w.report.hash}</dt>
            <dd>
              <code>{report.text_sha256.slice(0, 16)}…</code>
            </dd>
          </div>
        )}
      </dl>
      {isSigned(report) && (
        <a className="button" href={api.pdfUrl(report.id)} target="_blank" rel="noreferrer" data-testid="open-pdf">
          <Icon name="print" /> {w.report.pdf}
        </a>
      )}
    </article>
  );
}
