/** Who reads when: the roster, the readers with their skills, and the agreements behind remote reading. */
import { useSession } from '../app/session';
import { Link } from '../app/router';
import { AgreementsView } from './agreements_view';
import { CalendarView } from './calendar_view';
import { PresenceBar } from './presence_bar';
import { ReadersView } from './readers_view';
import { useRosterWords } from './use_words';
import '../admin/admin.css';
import './roster.css';

const TABS = ['calendar', 'readers', 'agreements'] as const;

export default function RosterPage({ section }: { section: string }) {
  const r = useRosterWords();
  const { session } = useSession();
  const roles = new Set(session.grants.map((grant) => grant.role));
  const shown = TABS.find((tab) => tab === section) ?? 'calendar';
  return (
    <div className="roster" data-testid="roster">
      <header className="roster-head">
        <h1>{r.title}</h1>
        <nav aria-label={r.title}>
          {TABS.map((tab) => (
            <Link key={tab} href={tab === 'calendar' ? '/roster' : `/roster/${tab}`} aria-current={tab === shown ? 'page' : undefined}>
              {r.tabs[tab]}
            </Link>
          ))}
        </nav>
        {(roles.has('reader') || roles.has('reviewer')) && <PresenceBar />}
      </header>
      {shown === 'calendar' && <CalendarView />}
      {shown === 'readers' && <ReadersView isAdmin={roles.has('admin')} />}
      {shown === 'agreements' && <AgreementsView isAdmin={session.grants.some((grant) => grant.role === 'admin' && grant.site_id === null)} />}
    </div>
  );
}
