/** Numbers at a glance, each a way to the list behind it, and the alarms that nobody has seen yet. */
import { admin as api } from '../api/endpoints';
import type { AlarmView, Overview } from '../api/types';
import { useLive } from '../app/live';
import { useAction, useResource } from '../app/resource';
import { Link } from '../app/router';
import { Loading, ProblemNote } from '../parts/notes';
import { said, useFormat } from '../words';
import { useRoomWords } from '../words/language';
import { Table } from './table';
import { useAdminWords } from './use_words';
import * as alarmWords from './words_alarms';

const OF_SPACE = new Set(['free_bytes', 'days_left']);
const TROUBLE = new Set(['open_alarms', 'quarantined', 'knocks']);

export function OverviewSection() {
  const a = useAdminWords();
  const format = useFormat();
  const overview = useResource(api.overview, 'overview');
  useLive(() => true, overview.reload);
  const alarms = useResource(api.alarms, 'alarms');
  useLive((event) => event.kind === 'alarm', alarms.reload);
  if (overview.data === null) return overview.problem ? <ProblemNote problem={overview.problem} onRetry={overview.reload} /> : <Loading />;
  const data = overview.data;
  const tiles: [keyof Overview & keyof typeof a.overview, string | null][] = [
    ['waiting_readings', null],
    ['waiting_deliveries', '/admin/deliveries'],
    ['open_alarms', null],
    ['quarantined', '/admin/quarantine'],
    ['knocks', '/admin/knocks'],
    ['studies', null],
    ['objects', null],
    ['object_bytes', null],
    ['free_bytes', '/admin/keeping'],
    ['days_left', '/admin/keeping'],
    ['sites', '/admin/sites'],
    ['devices', '/admin/devices'],
  ];
  return (
    <>
      <ProblemNote problem={overview.problem} onRetry={overview.reload} />
      <dl className="tiles">
        {tiles.map(([key, to]) => {
          const value = data[key];
          const shown = value === null ? '–' : key.endsWith('_bytes') ? format.bytes(value) : format.number(Math.floor(value));
          const isTrouble = (TROUBLE.has(key) && (value ?? 0) > 0) || (OF_SPACE.has(key) && data.space_level !== 'enough');
          return (
            <div key={key} className={isTrouble ? 'tile trouble' : 'tile'} data-testid={`tile-${key}`}>
              <dt>{a.overview[key]}</dt>
              <dd>{to === null ? shown : <Link href={to}>{shown}</Link>}</dd>
            </div>
          );
        })}
      </dl>
      <dl className="facts">
        <dt>{a.dicomAddress}</dt>
        <dd>{data.dicom_address || '–'}</dd>
        <dt>{a.ourAe}</dt>
        <dd>{data.ae_title}</dd>
        <dt>{a.version}</dt>
        <dd>{data.version}</dd>
      </dl>
      <h2>{a.alarms}</h2>
      <Alarms alarms={alarms} />
    </>
  );
}

function Alarms({ alarms }: { alarms: ReturnType<typeof useResource<AlarmView[]>> }) {
  const a = useAdminWords();
  const words = useRoomWords(alarmWords);
  const format = useFormat();
  const seen = useAction(async (id: string) => {
    await api.acknowledgeAlarm(id);
    alarms.reload();
  });
  return (
    <>
      <ProblemNote problem={seen.problem} />
      <Table
        label={a.alarms}
        list={alarms}
        idOf={(alarm) => alarm.id}
        nothing={a.alarmsNone}
        columns={[
          { title: a.at, cell: (alarm) => format.when(alarm.at) },
          { title: a.kind, cell: (alarm) => <b className="wrap">{said(words.kinds, alarm.kind)}</b> },
          { title: a.detail, cell: (alarm) => alarm.detail },
          { title: a.about, cell: (alarm) => <code>{alarm.ref}</code> },
          {
            title: a.actions,
            cell: (alarm) => (
              <button type="button" className="button" disabled={seen.isBusy} onClick={() => { void seen.run(alarm.id); }}>
                {a.seen}
              </button>
            ),
          },
        ]}
      />
    </>
  );
}
