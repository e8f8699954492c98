/** "Received": one big button, one act; afterwards it says who pressed it and when. */
import { reports as api } from '../api/endpoints';
import type { ClinicRow } from '../api/types';
import { useAction } from '../app/resource';
import { Icon } from '../parts/icons';
import { ProblemNote } from '../parts/notes';
import { useFormat } from '../words';
import { useClinicWords } from './use_words';

export function ReceivedButton({ row, onChanged }: { row: ClinicRow; onChanged: () => void }) {
  const w = useClinicWords();
  const format = useFormat();
  const { delivery } = row;
  const acknowledge = useAction(async (id: string) => {
    await api.acknowledge(id);
    onChanged();
  });
  if (delivery === null) return null;
  if (delivery.acknowledged_at !== null) {
    const at = format.when(delivery.acknowledged_at);
    return (
      <p className="received" data-testid="acknowledged">
        <Icon name="check" /> {delivery.acknowledged_by_name === null ? w.clinic.receivedAt(at) : w.clinic.receivedBy(delivery.acknowledged_by_name, at)}
      </p>
    );
  }
  if (delivery.state === 'called_back') return null;
  return (
    <>
      <button type="button" className={`button large ${row.is_critical ? 'danger' : 'primary'}`} disabled={acknowledge.isBusy} onClick={() => { void acknowledge.run(delivery.id); }} data-testid="received">
        <Icon name="check" /> {w.clinic.received}
      </button>
      <ProblemNote problem={acknowledge.problem} />
    </>
  );
}
