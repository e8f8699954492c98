/** Who sent, saw, signed and received what, and when. */
import { admin as api } from '../api/endpoints';
import { useResource } from '../app/resource';
import { Note } from '../parts/notes';
import { useFormat, useWords } from '../words';
import { Table } from './table';

export function AuditSection() {
  const w = useWords();
  const format = useFormat();
  const audit = useResource(api.audit, 'audit');
  return (
    <>
      <Note tone="plain">{w.admin.auditHint}</Note>
      <div className="section-acts">
        <button type="button" className="button" onClick={audit.reload}>
          {w.common.refresh}
        </button>
      </div>
      <Table
        label={w.admin.sections.audit}
        list={audit}
        idOf={(entry) => `${entry.node}-${String(entry.seq)}`}
        nothing={w.admin.nothing}
        columns={[
          { title: w.admin.at, cell: (entry) => format.dateTime(entry.at) },
          { title: w.admin.actor, cell: (entry) => entry.actor_name || entry.actor },
          { title: w.admin.action, cell: (entry) => <b>{entry.action}</b> },
          { title: w.admin.success, cell: (entry) => (entry.is_success ? w.admin.ok : <span className="bad">{w.admin.failed}</span>) },
          { title: w.admin.site, cell: (entry) => entry.site_id ?? '' },
          { title: w.admin.detail, cell: (entry) => <code className="wrap">{detailOf(entry.detail)}</code> },
          { title: w.admin.chain, cell: (entry) => <code title={entry.hash}>{`${entry.node} ${String(entry.seq)} · ${entry.hash.slice(0, 8)}`}</code> },
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
