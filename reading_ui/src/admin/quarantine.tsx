/** What came in and could not be taken as it was: kept whole, with a named reason. */
import { admin as api } from '../api/endpoints';
import { useLive } from '../app/live';
import { useAction, useResource } from '../app/resource';
import { Note, ProblemNote } from '../parts/notes';
import { useFormat } from '../words';
import { Table } from './table';
import { useAdminWords } from './use_words';

export function QuarantineSection() {
  const a = useAdminWords();
  const format = useFormat();
  const arrivals = useResource(api.quarantine, 'quarantine');
  useLive((event) => event.kind === 'arrival' || event.kind === 'alarm', arrivals.reload);
  const resolve = useAction(async (id: string) => {
    await api.resolveArrival(id);
    arrivals.reload();
  });
  return (
    <>
      <Note tone="plain">{a.quarantineHint}</Note>
      <ProblemNote problem={resolve.problem} />
      <Table
        label={a.sections.quarantine}
        list={arrivals}
        idOf={(arrival) => arrival.id}
        nothing={a.quarantineNone}
        columns={[
          { title: a.at, cell: (arrival) => format.when(arrival.at) },
          { title: a.reason, cell: (arrival) => <b>{arrival.reason}</b> },
          { title: a.detail, cell: (arrival) => <span className="wrap">{arrival.detail}</span> },
          { title: a.via, cell: (arrival) => arrival.via },
          { title: a.from, cell: (arrival) => [arrival.calling_ae_title, arrival.address, arrival.file_name].filter((part) => part !== '').join(' · ') },
          { title: a.size, cell: (arrival) => format.bytes(arrival.size_bytes), isNumber: true },
          {
            title: a.actions,
            cell: (arrival) => (
              <span className="row-acts">
                <a className="button" href={api.bytesUrl(arrival.id)} download>
                  {a.bytes}
                </a>
                {!arrival.is_resolved && (
                  <button type="button" className="button" disabled={resolve.isBusy} onClick={() => { void resolve.run(arrival.id); }}>
                    {a.resolve}
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
