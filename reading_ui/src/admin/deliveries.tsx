/** Reports on their way: where to, how often tried, and why each one waits. */
import { admin as api } from '../api/endpoints';
import { useLive } from '../app/live';
import { useResource } from '../app/resource';
import { said, useFormat, useWords } from '../words';
import { Table } from './table';

export function DeliveriesSection() {
  const w = useWords();
  const format = useFormat();
  const deliveries = useResource(api.deliveries, 'deliveries');
  useLive((event) => event.kind === 'delivery' || event.kind === 'report', deliveries.reload);
  return (
    <Table
      label={w.admin.sections.deliveries}
      list={deliveries}
      idOf={(delivery) => delivery.id}
      nothing={w.admin.deliveriesNone}
      columns={[
        { title: w.admin.destination, cell: (delivery) => <b>{delivery.destination_name}</b> },
        { title: w.admin.kind, cell: (delivery) => said(w.common.destinationKind, delivery.kind) },
        { title: w.admin.state, cell: (delivery) => said(w.common.deliveryState, delivery.state) },
        { title: w.admin.queuedAt, cell: (delivery) => format.when(delivery.queued_at) },
        { title: w.admin.attempts, cell: (delivery) => format.number(delivery.attempts), isNumber: true },
        { title: w.admin.nextAt, cell: (delivery) => format.when(delivery.next_attempt_at) },
        { title: w.admin.why, cell: (delivery) => <span className="wrap">{delivery.last_error}</span> },
      ]}
    />
  );
}
