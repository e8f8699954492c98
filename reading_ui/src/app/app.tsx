/** Which page stands behind which address, and who has to be logged in for it. */
import { lazy, Suspense, useCallback, useEffect, useMemo, useState } from 'react';

import { session as api } from '../api/endpoints';
import { ApiProblem, onLoggedOut } from '../api/http';
import type { SessionView } from '../api/types';
import { LoginPage } from '../login';
import { homeOf } from '../model/access';
import { Empty, Loading, ProblemNote } from '../parts/notes';
import { useWords } from '../words';
import { WorklistPage } from '../worklist';
import { AnnouncerProvider } from './announcer';
import { FaultBoundary } from './fault_boundary';
import { LiveProvider } from './live';
import { Link, navigate, usePath } from './router';
import { SessionContext } from './session';
import { Shell } from './shell';

const ReadingPage = lazy(() => import('../reading'));
const ClinicPage = lazy(() => import('../clinic'));
const OrdersPage = lazy(() => import('../orders'));
const AdminPage = lazy(() => import('../admin'));
const FiguresPage = lazy(() => import('../figures'));
const QualityPage = lazy(() => import('../quality/figures'));
const WallPage = lazy(() => import('../wall'));
const RosterPage = lazy(() => import('../roster'));

type Who = { kind: 'asking' } | { kind: 'nobody' } | { kind: 'failed'; problem: ApiProblem } | { kind: 'person'; session: SessionView; hasEnded: boolean };

export function App() {
  const [who, setWho] = useState<Who>({ kind: 'asking' });
  const path = usePath();
  const ask = useCallback(() => {
    api
      .get()
      .then((session) => { setWho({ kind: 'person', session, hasEnded: false }); })
      .catch((error: unknown) => {
        const problem = error instanceof ApiProblem ? error : new ApiProblem(0, 'failed', String(error));
        setWho(problem.status === 401 || problem.status === 403 ? { kind: 'nobody' } : { kind: 'failed', problem });
      });
  }, []);
  useEffect(ask, [ask]);
  useEffect(
    () => onLoggedOut(() => { setWho((old) => (old.kind === 'person' ? { ...old, hasEnded: true } : old)); }),
    [],
  );
  const session = who.kind === 'person' ? who.session : null;
  useEffect(() => {
    if (session !== null && (path === '/' || path === '/login')) navigate(homeOf(session), { replace: true });
  }, [session, path]);
  const state = useMemo(
    () =>
      session && {
        session,
        logOut: () => {
          void api.logOut().finally(() => {
            setWho({ kind: 'nobody' });
            navigate('/login');
          });
        },
      },
    [session],
  );

  if (who.kind === 'asking') return <Loading />;
  if (who.kind === 'failed') return <ProblemNote problem={who.problem} onRetry={ask} />;
  const enter = (found: SessionView): void => { setWho({ kind: 'person', session: found, hasEnded: false }); };
  if (state === null || who.kind !== 'person') return <LoginPage hasEnded={false} onLogIn={enter} />;
  return (
    <SessionContext value={state}>
      {who.hasEnded && <LoginPage hasEnded onLogIn={enter} />}
      {/* Hidden, not taken down: what was being written is still there after logging in again. Another person gets a fresh page. */}
      <div key={who.session.user_id} hidden={who.hasEnded}>
        <AnnouncerProvider>
          <LiveProvider isOn={!who.hasEnded}>
            {path === '/wall' ? (
              <FaultBoundary key={path}>
                <Suspense fallback={<Loading />}>
                  <WallPage />
                </Suspense>
              </FaultBoundary>
            ) : (
              <Shell path={path}>
                <FaultBoundary key={path}>
                  <Suspense fallback={<Loading />}>
                    <PageOf path={path} />
                  </Suspense>
                </FaultBoundary>
              </Shell>
            )}
          </LiveProvider>
        </AnnouncerProvider>
      </div>
    </SessionContext>
  );
}

function PageOf({ path }: { path: string }) {
  const w = useWords();
  const [, room, rest] = path.split('/');
  if (room === '' || room === 'login') return <Loading />;
  if (room === 'worklist') return <WorklistPage />;
  if (room === 'readings' && rest) return <ReadingPage key={rest} readingId={decodeURIComponent(rest)} />;
  if (room === 'clinic') return <ClinicPage />;
  if (room === 'roster') return <RosterPage section={rest ?? ''} />;
  if (room === 'orders') return <OrdersPage section={rest ?? ''} />;
  if (room === 'quality') return <QualityPage />;
  if (room === 'figures') return <FiguresPage />;
  if (room === 'admin') return <AdminPage section={rest ?? 'overview'} />;
  return (
    <Empty>
      <p>{room === 'no-role' ? w.shell.noRole : w.shell.notFound}</p>
      {room !== 'no-role' && (
        <Link className="button" href="/">
          {w.shell.home}
        </Link>
      )}
    </Empty>
  );
}
