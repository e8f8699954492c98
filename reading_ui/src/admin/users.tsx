/** Accounts: one person, one account, the least that the work needs. */
import { useState } from 'react';

import { admin as api } from '../api/endpoints';
import type { SiteView, UserView } from '../api/types';
import { useResource } from '../app/resource';
import { SelectField, TextField } from '../parts/field';
import { said, useWords, type Words } from '../words';
import { SiteChoice, siteName } from './choices';
import { EditableTable } from './editable_table';
import { FormDialog } from './form_dialog';
import { type AdminWords, useAdminWords } from './use_words';

const ROLES = ['clinic', 'reader', 'reviewer', 'admin'];

export function UsersSection() {
  const w = useWords();
  const a = useAdminWords();
  const users = useResource(api.users, 'users');
  const sites = useResource(api.sites, 'sites');
  return (
    <EditableTable
      label={a.sections.users}
      list={users}
      canChange={false}
      columns={[
        { title: a.login, cell: (user) => <b>{user.login}</b> },
        { title: a.displayName, cell: (user) => user.display_name },
        { title: a.jobTitle, cell: (user) => user.title },
        { title: a.roles, cell: (user) => rolesOf(user, sites.data, w, a) },
        { title: a.state, cell: (user) => (user.is_enabled ? a.enabled : a.disabled) },
      ]}
      form={(_user, onClose) => <UserDialog sites={sites.data ?? []} onClose={onClose} onSaved={users.reload} />}
    />
  );
}

function rolesOf(user: UserView, sites: SiteView[] | null, w: Words, a: AdminWords): string {
  return user.grants
    .map((grant) => `${said(w.common.role, grant.role)} (${grant.site_id === null ? a.anySite : siteName(sites, grant.site_id)})`)
    .join(', ');
}

function UserDialog({ sites, onClose, onSaved }: { sites: SiteView[]; onClose: () => void; onSaved: () => void }) {
  const w = useWords();
  const a = useAdminWords();
  const [form, setForm] = useState({ login: '', display_name: '', title: '', password: '', role: 'reader', site: '' });
  const set = (change: Partial<typeof form>): void => { setForm({ ...form, ...change }); };
  const { role, site, ...user } = form;
  return (
    <FormDialog
      title={a.addUser}
      confirm={w.common.save}
      save={() => api.addUser({ ...user, grants: [{ role, site_id: site === '' ? null : site }] })}
      onClose={onClose}
      onSaved={onSaved}
    >
      <TextField label={a.login} required autoCapitalize="none" spellCheck={false} autoComplete="off" value={form.login} onChange={(event) => { set({ login: event.target.value }); }} />
      <TextField label={a.displayName} required value={form.display_name} onChange={(event) => { set({ display_name: event.target.value }); }} />
      <TextField label={a.jobTitle} value={form.title} onChange={(event) => { set({ title: event.target.value }); }} />
      <TextField label={a.password} type="password" autoComplete="new-password" required value={form.password} onChange={(event) => { set({ password: event.target.value }); }} />
      <SelectField label={a.role} value={form.role} onChange={(event) => { set({ role: event.target.value }); }}>
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
