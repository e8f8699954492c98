/** The frame around every page: where am I, is this live, who am I. Thin, so that the work has the room. */
import { lazy, type ReactNode, Suspense } from 'react';
import { Button, Menu, MenuItem, MenuTrigger, Popover, Separator } from 'react-aria-components';

import { pagesOf } from '../model/access';
import { Icon } from '../parts/icons';
import { said, useWords } from '../words';
import { setLanguage, useLanguage } from '../words/language';
import { useLiveState } from './live';
import { Link, listAddress } from './router';
import { useSession } from './session';
import './shell.css';

const ADDRESS = { worklist: '/worklist', clinic: '/clinic', orders: '/orders', quality: '/quality', admin: '/admin/overview', wall: '/wall', roster: '/roster' } as const;

const Bell = lazy(() => import('../notices'));

export function Shell({ path, children }: { path: string; children: ReactNode }) {
  const w = useWords();
  const { session } = useSession();
  const pages = pagesOf(session);
  const room = path.split('/')[1];
  const here = room === 'readings' ? 'worklist' : room === 'figures' ? 'quality' : room;
  return (
    <div className="shell">
      <a className="skip" href="#content">
        {w.shell.skip}
      </a>
      <header className="topbar">
        <strong className="product">{w.common.product}</strong>
        {session.is_demo && (
          <span className="badge badge-demo" title={w.common.demoHint}>
            {w.common.demo}
          </span>
        )}
        {pages.length > 1 && (
          <nav aria-label={w.shell.pages}>
            {pages.map((page) => (
              <Link key={page} href={page === 'worklist' ? listAddress() : ADDRESS[page]} aria-current={here === page ? 'page' : undefined}>
                {w.shell[page]}
              </Link>
            ))}
          </nav>
        )}
        <span className="centre">{session.centre_name}</span>
        <LiveMark />
        <Suspense fallback={null}>
          <Bell />
        </Suspense>
        <AccountMenu />
      </header>
      <LostBand />
      <main id="content" tabIndex={-1}>
        {children}
      </main>
    </div>
  );
}

function LiveMark() {
  const w = useWords();
  const state = useLiveState();
  const word = { open: w.shell.liveOpen, lost: w.shell.liveLost, connecting: w.shell.liveConnecting }[state];
  return (
    <span className={`live live-${state}`} data-testid="live" data-state={state}>
      <span className="live-dot" aria-hidden />
      {word}
    </span>
  );
}

function LostBand() {
  const w = useWords();
  if (useLiveState() !== 'lost') return null;
  return (
    <div className="band band-warning" role="status">
      <Icon name="warning" /> {w.shell.liveLostHint}
    </div>
  );
}

function AccountMenu() {
  const w = useWords();
  const language = useLanguage();
  const { session, logOut } = useSession();
  const roles = [...new Set(session.grants.map((grant) => said(w.common.role, grant.role)))].join(' · ');
  return (
    <MenuTrigger>
      <Button className="button bare" aria-label={`${w.shell.account}: ${session.display_name}`} data-testid="account">
        <Icon name="person" /> {session.display_name}
      </Button>
      <Popover className="popover" placement="bottom end">
        <p className="menu-head secondary">
          {session.login}
          <br />
          {[session.title, roles].filter((part) => part !== '').join(' · ')}
        </p>
        <Menu
          className="menu"
          aria-label={w.shell.account}
          onAction={(key) => {
            if (key === 'language') setLanguage(language === 'zh' ? 'en' : 'zh');
            else logOut();
          }}
        >
          <MenuItem id="language" className="menu-item">
            {w.shell.otherLanguage}
          </MenuItem>
          <Separator />
          <MenuItem id="out" className="menu-item" data-testid="log-out">
            {w.shell.logOut}
          </MenuItem>
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}
