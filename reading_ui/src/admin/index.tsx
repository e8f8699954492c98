/** The administrator's rooms: what is connected, what waits and why, who may do what. */
import { lazy, Suspense } from 'react';

import { Link } from '../app/router';
import { Empty, Loading } from '../parts/notes';
import { useWords } from '../words';
import { AuditSection } from './audit';
import { DeliveriesSection } from './deliveries';
import { DestinationsSection } from './destinations';
import { DevicesSection } from './devices';
import { EcgFilesSection } from './ecg_files';
import { KeepingSection } from './keeping';
import { KnocksSection } from './knocks';
import { OriginsSection } from './origins';
import { OverviewSection } from './overview';
import { PartnersSection } from './partners';
import { QuarantineSection } from './quarantine';
import { SitesSection } from './sites';
import { UsersSection } from './users';
import './admin.css';
import { useAdminWords } from './use_words';

/** A room of its own: its editor is larger than all of this. */
const RulesSection = lazy(() => import('../rules'));

const SECTIONS = {
  overview: OverviewSection,
  knocks: KnocksSection,
  devices: DevicesSection,
  sites: SitesSection,
  destinations: DestinationsSection,
  partners: PartnersSection,
  users: UsersSection,
  deliveries: DeliveriesSection,
  origins: OriginsSection,
  quarantine: QuarantineSection,
  ecg_files: EcgFilesSection,
  keeping: KeepingSection,
  rules: RulesSection,
  audit: AuditSection,
} as const;

type Section = keyof typeof SECTIONS;

export default function AdminPage({ section }: { section: string }) {
  const w = useWords();
  const a = useAdminWords();
  const isKnown = section in SECTIONS;
  const Shown = isKnown ? SECTIONS[section as Section] : null;
  return (
    <div className="admin" data-testid="admin">
      <nav aria-label={a.title}>
        {(Object.keys(SECTIONS) as Section[]).map((name) => (
          <Link key={name} href={`/admin/${name}`} aria-current={name === section ? 'page' : undefined}>
            {a.sections[name]}
          </Link>
        ))}
      </nav>
      <div className="admin-body">
        <h1>{isKnown ? a.sections[section as Section] : a.title}</h1>
        {Shown === null ? <Empty>{w.shell.notFound}</Empty> : <Suspense fallback={<Loading />}><Shown /></Suspense>}
      </div>
    </div>
  );
}
