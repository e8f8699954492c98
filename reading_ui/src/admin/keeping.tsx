/** Keeping: is there room and for how long, are the objects sound, is there a second copy, what may go and when. */
import { useEffect, useState } from 'react';

import { keeping as api } from '../api/endpoints';
import type { KeepingView, RetentionRuleView } from '../api/types';
import { type Resource, useResource } from '../app/resource';
import { useLive } from '../app/live';
import { TextField } from '../parts/field';
import { Loading, Note, ProblemNote } from '../parts/notes';
import { said, useFormat } from '../words';
import { useRoomWords } from '../words/language';
import { FormDialog } from './form_dialog';
import { Deletions, Holds } from './keeping_lists';
import { Studies } from './keeping_studies';
import { Table } from './table';
import { useAdminWords } from './use_words';
import * as words from './words_keeping';
import './keeping.css';

/** Nothing tells the browser of every object: what is counted is looked at again now and then. */
const LOOK_AGAIN_MS = 10_000;

export function KeepingSection() {
  const store = useResource(api.show, 'keeping');
  const holds = useResource(() => api.holds(true), 'holds');
  const deletions = useResource(api.deletions, 'deletions');
  useLive((event) => event.kind === 'alarm', store.reload);
  const lookAgain = store.reload;
  useEffect(() => {
    const timer = setInterval(lookAgain, LOOK_AGAIN_MS);
    return () => { clearInterval(timer); };
  }, [lookAgain]);
  const reloadLists = (): void => {
    holds.reload();
    deletions.reload();
  };
  useLive((event) => event.kind === 'study', reloadLists);
  const isOfSites = store.problem?.reason === 'alliance-only';
  const waitDays = store.data?.deletion_wait_days ?? 7;
  return (
    <>
      {store.data === null && !isOfSites && (store.problem ? <ProblemNote problem={store.problem} onRetry={store.reload} /> : <Loading />)}
      {store.data !== null && <Store view={store.data} store={store} />}
      <Studies waitDays={waitDays} onChanged={reloadLists} />
      <Holds holds={holds} />
      <Deletions deletions={deletions} waitDays={waitDays} />
    </>
  );
}

function Store({ view, store }: { view: KeepingView; store: Resource<KeepingView> }) {
  return (
    <>
      <Space view={view} />
      <Checks view={view} />
      <Copies view={view} />
      <Rules rules={view.rules} onSaved={store.reload} />
    </>
  );
}

function Tile({ name, value, isTrouble = false, testId }: { name: string; value: string; isTrouble?: boolean; testId: string }) {
  return (
    <div className={isTrouble ? 'tile trouble' : 'tile'} data-testid={testId}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Space({ view }: { view: KeepingView }) {
  const k = useRoomWords(words);
  const format = useFormat();
  const space = view.space;
  const size = (size_bytes: number | null): string => (size_bytes === null ? '–' : format.bytes(size_bytes));
  const isTrouble = space.level !== 'enough';
  const last = space.days_left === null ? k.daysUnknown : k.days(Math.floor(space.days_left));
  const tone = space.level === 'full' ? 'critical' : 'warning';
  return (
    <section className="keeping-part">
      <h2>{k.space}</h2>
      {isTrouble && <Note tone={tone}>{said(k.levels, space.level)}</Note>}
      <dl className="tiles">
        <Tile name={k.tiles.room} value={size(space.room_bytes)} isTrouble={isTrouble} testId="space-room" />
        <Tile name={k.tiles.days} value={last} isTrouble={isTrouble} testId="space-days" />
        <Tile name={k.tiles.usual} value={size(space.usual_day_bytes)} testId="space-usual" />
        <Tile name={k.tiles.today} value={size(space.today_bytes)} testId="space-today" />
        <Tile name={k.tiles.kept} value={size(space.kept_bytes)} testId="space-kept" />
        <Tile name={k.tiles.free} value={size(space.free_bytes)} testId="space-free" />
      </dl>
      <p className="secondary">
        {space.quota_bytes > 0 && k.quota(format.bytes(space.quota_bytes))} {k.bounds(format.bytes(space.reserve_bytes), format.bytes(space.warning_bytes))}{' '}
        {space.measured_days > 0 ? k.howMeasured(space.measured_days) : k.notMeasured}
      </p>
    </section>
  );
}

function Checks({ view }: { view: KeepingView }) {
  const k = useRoomWords(words);
  const a = useAdminWords();
  const format = useFormat();
  const checks = view.checks;
  const list: Resource<KeepingView['bad_objects']> = { data: view.bad_objects, problem: null, isLoading: false, reload: () => undefined, replace: () => undefined };
  return (
    <section className="keeping-part">
      <h2>{k.checks}</h2>
      <dl className="tiles">
        <Tile name={k.checked} value={k.checkedOf(format.number(checks.objects - checks.unchecked), format.number(checks.objects))} testId="checks-done" />
        <Tile name={k.oldest} value={format.when(checks.oldest_check_at)} testId="checks-oldest" />
        <Tile name={k.damaged} value={format.number(checks.damaged)} isTrouble={checks.damaged > 0} testId="checks-damaged" />
        <Tile name={k.missing} value={format.number(checks.missing)} isTrouble={checks.missing > 0} testId="checks-missing" />
      </dl>
      {checks.objects > 0 && (
        <progress className="keeping-progress" value={checks.objects - checks.unchecked} max={checks.objects} aria-label={k.checks} />
      )}
      <p className="secondary">{checks.mb_per_s > 0 ? k.checksHint(format.number(checks.mb_per_s), format.number(checks.every_days)) : k.checksOff}</p>
      {view.bad_objects.length > 0 && (
        <Table
          label={k.badObjects}
          list={list}
          idOf={(object) => object.sha256}
          nothing=""
          columns={[
            { title: k.object, cell: (object) => <code>{object.sha256.slice(0, 24)}…</code> },
            { title: a.state, cell: (object) => <b className="bad">{object.state === 'missing' ? k.missing : k.damaged}</b> },
            { title: a.size, cell: (object) => format.bytes(object.size_bytes), isNumber: true },
            { title: k.lastCheck, cell: (object) => format.when(object.checked_at) },
          ]}
        />
      )}
    </section>
  );
}

function Copies({ view }: { view: KeepingView }) {
  const k = useRoomWords(words);
  const format = useFormat();
  const copies = view.copies;
  if (copies.address === '') {
    return (
      <section className="keeping-part">
        <h2>{k.copies}</h2>
        <Note tone="warning">{k.copiesNone}</Note>
      </section>
    );
  }
  return (
    <section className="keeping-part">
      <h2>{k.copies}</h2>
      {copies.problem !== '' && <Note tone="critical">{copies.problem}</Note>}
      {copies.is_on_same_disk && <Note tone="warning">{k.sameDisk}</Note>}
      <dl className="tiles">
        <Tile name={k.waiting} value={format.number(copies.waiting)} testId="copies-waiting" />
        <Tile name={k.lag} value={format.when(copies.oldest_waiting_at)} testId="copies-lag" />
        <Tile name={k.failing} value={format.number(copies.failing)} isTrouble={copies.failing > 0} testId="copies-failing" />
      </dl>
      <p className="secondary">{copies.waiting === 0 ? k.copiesDone : k.copiesWait(format.bytes(copies.waiting_bytes))}</p>
      <dl className="facts">
        <dt>{k.copyTo}</dt>
        <dd>
          <code>{copies.address}</code>
        </dd>
      </dl>
    </section>
  );
}

function Rules({ rules, onSaved }: { rules: RetentionRuleView[]; onSaved: () => void }) {
  const k = useRoomWords(words);
  const a = useAdminWords();
  const [changing, setChanging] = useState<RetentionRuleView | null>(null);
  const list: Resource<RetentionRuleView[]> = { data: rules, problem: null, isLoading: false, reload: onSaved, replace: () => undefined };
  return (
    <section className="keeping-part">
      <h2>{k.rules}</h2>
      <p className="secondary">{k.rulesHint}</p>
      <Table
        label={k.rules}
        list={list}
        idOf={(rule) => rule.care_class}
        nothing=""
        columns={[
          { title: k.careClass, cell: (rule) => <b>{said(k.classes, rule.care_class)}</b> },
          { title: k.legal, cell: (rule) => k.years(rule.legal_years) },
          { title: k.inForce, cell: (rule) => k.years(rule.years) },
          {
            title: a.actions,
            cell: (rule) => (
              <button type="button" className="button" onClick={() => { setChanging(rule); }} data-testid={`lengthen-${rule.care_class}`}>
                {k.lengthen}
              </button>
            ),
          },
        ]}
      />
      {changing !== null && <LengthenDialog key={changing.care_class} rule={changing} onClose={() => { setChanging(null); }} onSaved={onSaved} />}
    </section>
  );
}

function LengthenDialog({ rule, onClose, onSaved }: { rule: RetentionRuleView; onClose: () => void; onSaved: () => void }) {
  const k = useRoomWords(words);
  const [years, setYears] = useState(String(rule.years));
  return (
    <FormDialog title={k.lengthenTitle(said(k.classes, rule.care_class))} confirm={k.lengthen} save={() => api.setRule(rule.care_class, { years: Number(years) })} onClose={onClose} onSaved={onSaved}>
      <TextField label={k.yearsLabel} type="number" min={rule.legal_years} max={200} required autoFocus value={years} onChange={(event) => { setYears(event.target.value); }} data-testid="years" />
    </FormDialog>
  );
}
