/** Reports on their way: where to, how often tried, and why each one waits. */
import { admin as api } from '../api/endpoints';
import { useLive } from '../app/live';
import { useResource } from '../app/resource';
import { said, useFormat, useWords } from '../words';
import { Table } from './table';
import { useAdminWords } from './use_words';

export function DeliveriesSection() {
  const w = useWords();
  const a = useAdminWords();
  const format = useFormat();
  const deliveries = useResource(api.deliveries, 'deliveries');
  useLive((event) => event.kind === 'delivery' || event.kind === 'report', deliveries.reload);
  return (
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
      ]}
    />
  );
}
