/** Who sent, saw, signed and received what, and when. */
import { admin as api } from '../api/endpoints';
import { useResource } from '../app/resource';
import { Note } from '../parts/notes';
import { useFormat, useWords } from '../words';
import { Table } from './table';
import { useAdminWords } from './use_words';

export function AuditSection() {
  const w = useWords();
  const a = useAdminWords();
  const format = useFormat();
  const audit = useResource(api.audit, 'audit');
  return (
    <>
      <Note tone="plain">{a.auditHint}</Note>
      <div className="section-acts">
        <button type="button" className="button" onClick={audit.reload}>
          {w.common.refresh}
        </button>
      </div>
      <Table
        label={a.sections.audit}
        list={audit}
        idOf={(entry) => `${entry.node}-${String(entry.seq)}`}
        nothing={a.nothing}
        columns={[
          { title: a.at, cell: (entry) => format.dateTime(entry.at) },
          { title: a.actor, cell: (entry) => entry.actor_name || entry.actor },
          { title: a.action, cell: (entry) => <b>{entry.action}</b> },
          { title: a.success, cell: (entry) => (entry.is_success ? a.ok : <span className="bad">{a.failed}</span>) },
          { title: a.site, cell: (entry) => entry.site_id ?? '' },
          { title: a.detail, cell: (entry) => <code className="wrap">{detailOf(entry.detail)}</code> },
          { title: a.chain, cell: (entry) => <code title={entry.hash}>{`${entry.node} ${String(entry.seq)} · ${entry.hash.slice(0, 8)}`}</code> },
        ]}
      />
    </>
  );
}

function detailOf(detail: Record<string, unknown>): string {
  return Object.entries(detail)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ');
}
