/** What came in and could not be taken as it was: kept whole, with a named reason. */
import { admin as api } from '../api/endpoints';
import { useLive } from '../app/live';
import { useAction, useResource } from '../app/resource';
import { Note, ProblemNote } from '../parts/notes';
import { useFormat, useWords } from '../words';
import { Table } from './table';

export function QuarantineSection() {
  const w = useWords();
  const format = useFormat();
  const arrivals = useResource(api.quarantine, 'quarantine');
  useLive((event) => event.kind === 'arrival' || event.kind === 'alarm', arrivals.reload);
  const resolve = useAction(async (id: string) => {
    await api.resolveArrival(id);
    arrivals.reload();
  });
  return (
    <>
      <Note tone="plain">{w.admin.quarantineHint}</Note>
      <ProblemNote problem={resolve.problem} />
      <Table
        label={w.admin.sections.quarantine}
        list={arrivals}
        idOf={(arrival) => arrival.id}
        nothing={w.admin.quarantineNone}
        columns={[
          { title: w.admin.at, cell: (arrival) => format.when(arrival.at) },
          { title: w.admin.reason, cell: (arrival) => <b>{arrival.reason}</b> },
          { title: w.admin.detail, cell: (arrival) => <span className="wrap">{arrival.detail}</span> },
          { title: w.admin.via, cell: (arrival) => arrival.via },
          { title: w.admin.from, cell: (arrival) => [arrival.calling_ae_title, arrival.address, arrival.file_name].filter((part) => part !== '').join(' · ') },
          { title: w.admin.size, cell: (arrival) => format.bytes(arrival.size_bytes), isNumber: true },
          {
            title: w.admin.actions,
            cell: (arrival) => (
              <span className="row-acts">
                <a className="button" href={api.bytesUrl(arrival.id)} download>
                  {w.admin.bytes}
                </a>
                {!arrival.is_resolved && (
                  <button type="button" className="button" disabled={resolve.isBusy} onClick={() => { void resolve.run(arrival.id); }}>
                    {w.admin.resolve}
                  </button>
                )}
              </span>
            ),
          },
        ]}
      />
    </>
  );
}
