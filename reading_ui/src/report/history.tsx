/** What became of the report: its versions, and its way back to the clinic with four different times (G5). */
import type { DeliveryView, ReportView } from '../api/types';
import { said, useFormat } from '../words';
import { ReportText } from './report_text';
import { useReportWords } from './use_words';

export function Versions({ versions, kind, modality }: { versions: ReportView[]; kind: string; modality: string }) {
  const w = useReportWords();
  const format = useFormat();
  if (versions.length < 2) return null;
  return (
    <section className="history" data-testid="versions">
      <h2>{w.report.versions}</h2>
      {[...versions].reverse().map((report) => (
        <details key={report.id}>
          <summary>
            {w.report.version(report.version)} · {said(w.common.reportState, report.state)} ·{' '}
            <span className="secondary">{format.when(report.signed_at ?? report.updated_at)}</span>
          </summary>
          <ReportText report={report} kind={kind} modality={modality} />
        </details>
      ))}
    </section>
  );
}

export function Deliveries({ deliveries }: { deliveries: DeliveryView[] }) {
  const w = useReportWords();
  if (deliveries.length === 0) return null;
  return (
    <section className="history" data-testid="deliveries">
      <h2>{w.report.deliveries}</h2>
      {deliveries.map((delivery) => (
        <Delivery key={delivery.id} delivery={delivery} />
      ))}
    </section>
  );
}

export function Delivery({ delivery }: { delivery: DeliveryView }) {
  const w = useReportWords();
  const format = useFormat();
  const times: [string, string | null][] = [
    [w.report.sent, delivery.sent_at],
    [w.report.accepted, delivery.accepted_at],
    [w.report.opened, delivery.opened_at],
    [w.report.acknowledged, delivery.acknowledged_at],
  ];
  const isWaiting = delivery.state === 'queued' || delivery.state === 'sent';
  return (
    <div className={`delivery delivery-${delivery.state}`} data-testid="delivery" data-kind={delivery.kind} data-state={delivery.state}>
      <p>
        <b>{delivery.destination_name || said(w.common.destinationKind, delivery.kind)}</b> · {said(w.common.deliveryState, delivery.state)} ·{' '}
        <span className="secondary">{w.report.version(delivery.version)}</span>
      </p>
      <ol className="delivery-times">
        {times.map(([label, at]) => (
          <li key={label} data-done={at !== null}>
            <span>{label}</span>
            <span className="secondary">{at === null ? '–' : format.when(at)}</span>
          </li>
        ))}
      </ol>
      {delivery.acknowledged_by_name !== null && <p className="secondary">{delivery.acknowledged_by_name}</p>}
      {(isWaiting || delivery.state === 'refused') && delivery.last_error !== '' && (
        <p className="delivery-why">
          {delivery.last_error} · {w.report.attempts(delivery.attempts)}
          {delivery.next_attempt_at !== null && ` · ${w.report.nextTry(format.when(delivery.next_attempt_at))}`}
        </p>
      )}
    </div>
  );
}
