/**
 * The bell of every page: how many readings have something one has not seen, and what it was. Newest first, one line a
 * reading; the older lines of the same reading stand behind the newest. No patient is named here.
 */
import { useCallback, useMemo } from 'react';
import { Button, Dialog, DialogTrigger, Popover } from 'react-aria-components';

import { notices as api } from '../api/endpoints';
import type { NoticeView } from '../api/types';
import { useLive } from '../app/live';
import { useResource } from '../app/resource';
import { navigate } from '../app/router';
import { useSession } from '../app/session';
import { pagesOf } from '../model/access';
import { PriorityMark } from '../parts/marks';
import { said, useFormat, useWords, type Words } from '../words';
import { useRoomWords } from '../words/language';
import './notices.css';
import * as words from './words';

const BELL = 'M8 2a4 4 0 0 0-4 4v3.500L2.500 12h11L12 9.500V6a4 4 0 0 0-4-4zM6.500 14h3';

export default function Bell() {
  const w = useRoomWords(words);
  const list = useResource((signal) => api.list(signal), 'notices');
  // Routing and hand-overs say it with the move of the reading itself.
  useLive((event) => event.kind === 'notice' || event.kind === 'reading', list.reload);
  const unread = list.data?.unread ?? 0;
  const label = unread > 0 ? `${w.bell}: ${w.unread(unread)}` : w.bell;
  return (
    <DialogTrigger>
      <Button className="button bare bell" aria-label={label} data-testid="bell" data-unread={unread}>
        <svg className="icon" viewBox="0 0 16 16" width="18" height="18" aria-hidden>
          <path d={BELL} fill="none" stroke="currentColor" strokeWidth="1.500" strokeLinecap="round" strokeLinejoin="round" />
        </svg>
        {unread > 0 && <span className="bell-count">{unread > 99 ? '99+' : unread}</span>}
      </Button>
      <Popover className="popover" placement="bottom end">
        <Dialog className="notices" aria-label={w.bell}>
          {({ close }) => <Panel list={list} onClose={close} />}
        </Dialog>
      </Popover>
    </DialogTrigger>
  );
}

function Panel({ list, onClose }: { list: ReturnType<typeof useResource<Awaited<ReturnType<typeof api.list>>>>; onClose: () => void }) {
  const w = useRoomWords(words);
  const { session } = useSession();
  const reads = pagesOf(session).includes('worklist');
  const { reload, replace } = list;
  const looked = useCallback(
    (body: { reading_id?: string; until?: string | null }) => {
      api.read(body).then(replace).catch(reload);
    },
    [replace, reload],
  );
  const newest = useMemo(() => newestOfEach(list.data?.items ?? []), [list.data]);
  const open = (notice: NoticeView): void => {
    looked({ reading_id: notice.reading_id });
    onClose();
    navigate(reads ? `/readings/${encodeURIComponent(notice.reading_id)}` : `/clinic?q=${encodeURIComponent(notice.accession_number)}`);
  };
  const last = list.data?.items[0];
  return (
    <>
      <header className="notices-head">
        <h2>{w.bell}</h2>
        {last !== undefined && (list.data?.unread ?? 0) > 0 && (
          <Button className="button bare" onPress={() => { looked({ until: last.at }); }} data-testid="notices-all-read">
            {w.allRead}
          </Button>
        )}
      </header>
      {list.data === null && list.problem !== null && (
        <p role="alert">
          {w.failed}{' '}
          <Button className="button" onPress={reload}>
            {w.again}
          </Button>
        </p>
      )}
      {list.data !== null && newest.length === 0 && <p className="secondary">{w.none}</p>}
      <ul>
        {newest.map((notice) => (
          <li key={notice.id}>
            <Button className="notice-line" onPress={() => { open(notice); }} data-testid="notice" data-kind={notice.kind} data-read={notice.is_read}>
              <Line notice={notice} />
            </Button>
          </li>
        ))}
      </ul>
    </>
  );
}

function Line({ notice }: { notice: NoticeView }) {
  const common = useWords();
  const w = useRoomWords(words);
  const format = useFormat();
  return (
    <>
      <span className="notice-what">
        {!notice.is_read && <span className="notice-new">{w.isNew}</span>}
        <PriorityMark priority={notice.priority} />
        <strong>{whatOf(notice, w, common)}</strong>
      </span>
      <span className="secondary">
        {[notice.modality, notice.body_part === '' ? '' : said(common.common.bodyPart, notice.body_part.toUpperCase()), notice.site_name, notice.accession_number]
          .filter((part) => part !== '')
          .join(' · ')}
      </span>
      <span className="faint">{format.when(notice.at)}</span>
    </>
  );
}

function whatOf(notice: NoticeView, w: typeof words.zh, common: Words): string {
  const what = notice.kind === 'nudge' ? w.nudge(notice.percent) : said(w.toYou, notice.kind);
  return notice.stage === '' ? what : `${said(common.common.stage, notice.stage)} · ${what}`;
}

/** One line a reading: the newest; it is unread while any of its reading is. */
function newestOfEach(items: NoticeView[]): NoticeView[] {
  const found = new Map<string, NoticeView>();
  for (const notice of items) {
    const newest = found.get(notice.reading_id);
    found.set(notice.reading_id, newest === undefined ? notice : { ...newest, is_read: newest.is_read && notice.is_read });
  }
  return [...found.values()];
}
