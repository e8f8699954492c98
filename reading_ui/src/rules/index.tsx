/**
 * The rules page: change by form or text, try on a study, simulate on past studies, versions with approval. One
 * draft stands behind all of it.
 */
import { Suspense, useState } from 'react';

import { Link, useSearch } from '../app/router';
import { useSession } from '../app/session';
import { Loading, ProblemNote } from '../parts/notes';
import { DraftBar } from './draft_bar';
import { EditView } from './edit_view';
import { LeaveGuard } from './leave_guard';
import './rules.css';
import { RulesProblem } from './rules_problem';
import { SimulateView } from './simulate_view';
import { TryView } from './try_view';
import { useRules } from './use_rules';
import { useRulesWords } from './use_words';
import { VersionsView } from './versions_view';

const VIEWS = ['edit', 'try', 'simulate', 'versions'] as const;

export type View = (typeof VIEWS)[number];

export default function RulesSection() {
  const w = useRulesWords();
  const { session } = useSession();
  const { rules, problem, retry } = useRules(session.user_id, w.skeleton);
  const asked = new URLSearchParams(useSearch()).get('view');
  const view = VIEWS.find((name) => name === asked) ?? 'edit';
  // A view that was opened once stays: its search, its running simulation and its place are still there.
  const [opened, setOpened] = useState<ReadonlySet<View>>(() => new Set([view]));
  if (!opened.has(view)) setOpened(new Set([...opened, view]));
  if (rules === null) return problem === null ? <Loading /> : problem.reason in w.problem ? <RulesProblem problem={problem} /> : <ProblemNote problem={problem} onRetry={retry} />;
  const waiting = rules.versions.data?.filter((version) => version.state === 'awaiting_approval').length ?? 0;
  return (
    <div className="rules-page" data-testid="rules-page">
      <nav className="rules-views" aria-label={w.viewsLabel}>
        {VIEWS.map((name) => (
          <Link key={name} href={`/admin/rules?view=${name}`} aria-current={name === view ? 'page' : undefined} data-testid={`rules-view-${name}`}>
            {w.views[name]}
            {name === 'versions' && waiting > 0 && <span className="badge">{waiting}</span>}
          </Link>
        ))}
      </nav>
      <DraftBar rules={rules} />
      <Suspense fallback={<Loading />}>
        {opened.has('edit') && <section hidden={view !== 'edit'}><EditView rules={rules} /></section>}
        {opened.has('try') && <section hidden={view !== 'try'}><TryView rules={rules} /></section>}
        {opened.has('simulate') && <section hidden={view !== 'simulate'}><SimulateView rules={rules} /></section>}
        {opened.has('versions') && <section hidden={view !== 'versions'}><VersionsView rules={rules} /></section>}
      </Suspense>
      <LeaveGuard isDirty={rules.isDirty} />
    </div>
  );
}
