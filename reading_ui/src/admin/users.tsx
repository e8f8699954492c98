/** Accounts: one person, one account, the least that the work needs. */
import { useState } from 'react';

import { admin as api } from '../api/endpoints';
import type { SiteView, UserView } from '../api/types';
import { useResource } from '../app/resource';
import { SelectField, TextField } from '../parts/field';
import { said, useWords, type Words } from '../words';
import { SiteChoice, siteName } from './choices';
import { FormDialog } from './form_dialog';
import { Table } from './table';

const ROLES = ['clinic', 'reader', 'reviewer', 'admin'];

export function UsersSection() {
  const w = useWords();
  const users = useResource(api.users, 'users');
  const sites = useResource(api.sites, 'sites');
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <div className="section-acts">
        <button type="button" className="button primary" onClick={() => { setOpen(true); }}>
          {w.admin.add}
        </button>
      </div>
      <Table
        label={w.admin.sections.users}
        list={users}
        idOf={(user) => user.id}
        nothing={w.admin.nothing}
        columns={[
          { title: w.admin.login, cell: (user) => <b>{user.login}</b> },
          { title: w.admin.displayName, cell: (user) => user.display_name },
          { title: w.admin.jobTitle, cell: (user) => user.title },
          { title: w.admin.roles, cell: (user) => rolesOf(user, sites.data, w) },
          { title: w.admin.state, cell: (user) => (user.is_enabled ? w.admin.enabled : w.admin.disabled) },
        ]}
      />
      {isOpen && <UserDialog sites={sites.data ?? []} onClose={() => { setOpen(false); }} onSaved={users.reload} />}
    </>
  );
}

function rolesOf(user: UserView, sites: SiteView[] | null, w: Words): string {
  return user.grants
    .map((grant) => `${said(w.common.role, grant.role)} (${grant.site_id === null ? w.admin.anySite : siteName(sites, grant.site_id)})`)
    .join(', ');
}

function UserDialog({ sites, onClose, onSaved }: { sites: SiteView[]; onClose: () => void; onSaved: () => void }) {
  const w = useWords();
  const [form, setForm] = useState({ login: '', display_name: '', title: '', password: '', role: 'reader', site: '' });
  const set = (change: Partial<typeof form>): void => { setForm({ ...form, ...change }); };
  const { role, site, ...user } = form;
  return (
    <FormDialog
      title={w.admin.addUser}
      confirm={w.common.save}
      save={() => api.addUser({ ...user, grants: [{ role, site_id: site === '' ? null : site }] })}
      onClose={onClose}
      onSaved={onSaved}
    >
      <TextField label={w.admin.login} required autoCapitalize="none" spellCheck={false} autoComplete="off" value={form.login} onChange={(event) => { set({ login: event.target.value }); }} />
      <TextField label={w.admin.displayName} required value={form.display_name} onChange={(event) => { set({ display_name: event.target.value }); }} />
      <TextField label={w.admin.jobTitle} value={form.title} onChange={(event) => { set({ title: event.target.value }); }} />
      <TextField label={w.admin.password} type="password" autoComplete="new-password" required value={form.password} onChange={(event) => { set({ password: event.target.value }); }} />
      <SelectField label={w.admin.role} value={form.role} onChange={(event) => { set({ role: event.target.value }); }}>
        {ROLES.map((one) => (
          <option key={one} value={one}>
            {said(w.common.role, one)}
          </option>
        ))}
      </SelectField>
      <SiteChoice sites={sites} value={form.site} onChange={(chosen) => { set({ site: chosen }); }} isAllianceOffered />
    </FormDialog>
  );
}
