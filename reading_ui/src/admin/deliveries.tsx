/** Reports on their way or refused: where to, how often tried, why each one waits, and another try by hand. */
import { admin as api } from '../api/endpoints';
import { useLive } from '../app/live';
import { useAction, useResource } from '../app/resource';
import { ProblemNote } from '../parts/notes';
import { said, useFormat, useWords } from '../words';
import { Table } from './table';
import { useAdminWords } from './use_words';

export function DeliveriesSection() {
  const w = useWords();
  const a = useAdminWords();
  const format = useFormat();
  const deliveries = useResource(api.deliveries, 'deliveries');
  useLive((event) => event.kind === 'delivery' || event.kind === 'report', deliveries.reload);
  const retry = useAction(async (id: string) => {
    await api.retryDelivery(id);
    deliveries.reload();
  });
  return (
    <>
      <ProblemNote problem={retry.problem} />
      <Table
        label={a.sections.deliveries}
        list={deliveries}
        idOf={(delivery) => delivery.id}
        nothing={a.deliveriesNone}
        columns={[
          { title: a.destination, cell: (delivery) => <b>{delivery.destination_name}</b> },
          { title: a.kind, cell: (delivery) => said(w.common.destinationKind, delivery.kind) },
          { title: a.state, cell: (delivery) => said(w.common.deliveryState, delivery.state) },
          { title: a.queuedAt, cell: (delivery) => format.when(delivery.queued_at) },
          { title: a.attempts, cell: (delivery) => format.number(delivery.attempts), isNumber: true },
          { title: a.nextAt, cell: (delivery) => format.when(delivery.next_attempt_at) },
          { title: a.why, cell: (delivery) => <span className="wrap">{delivery.last_error}</span> },
          {
            title: a.actions,
            cell: (delivery) => (
              <button type="button" className="button" disabled={retry.isBusy} onClick={() => { void retry.run(delivery.id); }} data-testid="retry-delivery">
                {a.tryAgain}
              </button>
            ),
          },
        ]}
      />
      <Commitments />
    </>
  );
}

/** What devices asked us to commit to: checked by hash, and told to them until they take it. */
function Commitments() {
  const a = useAdminWords();
  const format = useFormat();
  const commitments = useResource(api.commitments, 'commitments');
  useLive((event) => event.kind === 'commitment', commitments.reload);
  return (
    <section className="admin-more" data-testid="commitments">
      <h2>{a.commitments}</h2>
      <Table
        label={a.commitments}
        list={commitments}
        idOf={(commitment) => commitment.id}
        nothing={a.commitmentsNone}
        columns={[
          { title: a.commitmentDevice, cell: (commitment) => <b>{commitment.ae_title}</b> },
          { title: a.commitmentAsked, cell: (commitment) => format.when(commitment.requested_at) },
          { title: a.commitmentInstances, cell: (commitment) => a.commitmentCounted(commitment.failed, commitment.instances) },
          { title: a.state, cell: (commitment) => said(a.commitmentState, commitment.state) },
          { title: a.attempts, cell: (commitment) => format.number(commitment.attempts), isNumber: true },
          { title: a.nextAt, cell: (commitment) => format.when(commitment.next_attempt_at) },
          { title: a.why, cell: (commitment) => <span className="wrap">{commitment.last_error}</span> },
        ]}
      />
    </section>
  );
}
