/** The list of orders: cards on a phone, wide lines on a screen. */
import { useEffect, useState } from 'react';

import { orders as api } from '../api/endpoints';
import type { OrderView } from '../api/types';
import { useLive } from '../app/live';
import { useAction, useResource } from '../app/resource';
import { SelectField, TextField } from '../parts/field';
import { Empty, Loading, ProblemNote } from '../parts/notes';
import { ReasonDialog } from '../parts/reason_dialog';
import { said, useFormat, useWords } from '../words';
import { OrderDialog } from './order_form';
import { useOrderWords } from './use_words';

const PAGE = 50;
const TYPING_MS = 250;
const STATES = ['scheduled', 'in_progress', 'performed', 'withdrawn'];
const NEW = 'new';

export function OrderListTab() {
  const w = useWords();
  const o = useOrderWords();
  const [typed, setTyped] = useState('');
  const [q, setQ] = useState('');
  const [state, setState] = useState('');
  const [limit, setLimit] = useState(PAGE);
  const [open, setOpen] = useState<OrderView | typeof NEW | null>(null);
  useEffect(() => {
    const timer = setTimeout(() => { setQ(typed.trim()); }, TYPING_MS);
    return () => { clearTimeout(timer); };
  }, [typed]);
  const list = useResource((signal) => api.list({ q, state, limit, offset: 0 }, signal), JSON.stringify([q, state, limit]));
  useLive((event) => event.kind === 'order' || event.kind === 'study', list.reload);
  const isFiltered = q !== '' || state !== '';
  return (
    <>
      <div className="order-acts">
        <TextField label={w.common.search} type="search" placeholder={o.search} value={typed} onChange={(event) => { setTyped(event.target.value); }} data-testid="order-search" />
        <SelectField label={o.state} value={state} onChange={(event) => { setState(event.target.value); }}>
          <option value="">{o.allStates}</option>
          {STATES.map((name) => (
            <option key={name} value={name}>
              {said(o.states, name)}
            </option>
          ))}
        </SelectField>
        <button type="button" className="button primary" onClick={() => { setOpen(NEW); }} data-testid="order-add">
          {o.add}
        </button>
      </div>
      <ProblemNote problem={list.problem} onRetry={list.reload} />
      {list.data === null ? (
        list.problem === null && <Loading />
      ) : list.data.items.length === 0 ? (
        <Empty>
          <p>{isFiltered ? o.noMatch : o.nothing}</p>
          {!isFiltered && <p className="secondary">{o.nothingHint}</p>}
        </Empty>
      ) : (
        <ul className="order-list">
          {list.data.items.map((order) => (
            <OrderCard key={order.id} order={order} onChange={() => { setOpen(order); }} onDone={list.reload} />
          ))}
        </ul>
      )}
      {list.data !== null && list.data.total > list.data.items.length && (
        <button type="button" className="button wide" onClick={() => { setLimit(limit + PAGE); }}>
          {o.more} · {o.total(list.data.total)}
        </button>
      )}
      {open !== null && (
        <OrderDialog key={open === NEW ? NEW : open.id} order={open === NEW ? null : open} onClose={() => { setOpen(null); }} onSaved={list.reload} />
      )}
    </>
  );
}

function OrderCard({ order, onChange, onDone }: { order: OrderView; onChange: () => void; onDone: () => void }) {
  const o = useOrderWords();
  const format = useFormat();
  const [asking, setAsking] = useState<'withdraw' | 'unlink' | null>(null);
  const withdraw = useAction(async (reason: string) => {
    await api.withdraw(order.id, { reason });
    onDone();
  });
  const unlink = useAction(async (reason: string) => {
    await api.unlink(order.id, { reason });
    onDone();
  });
  const isOpen = order.state !== 'withdrawn';
  return (
    <li className={`order-card state-${order.state}`} data-testid="order" data-id={order.id} data-state={order.state}>
      <div>
        <h2>
          {order.patient_name} <span className="secondary">{[format.sex(order.sex), order.birth_date === null ? '' : format.date(order.birth_date)].filter((part) => part !== '').join(' ')}</span>
        </h2>
        <p className="secondary">
          {o.accession(order.accession_number)} · {o.patientId(order.patient_id)}
        </p>
        {order.warnings.map((word) => (
          <p key={word} className="order-warning" data-testid="order-warning">
            {said(o.warnings, word)}
          </p>
        ))}
      </div>
      <div>
        <p>
          <b>{order.modality}</b> {order.procedure_description === '' ? order.body_part : order.procedure_description}
          {order.urgency !== 'routine' && <span className={`badge badge-${order.urgency === 'emergency' ? 'critical' : 'warning'}`}>{said(o.urgencies, order.urgency)}</span>}
        </p>
        <p className="secondary">{o.scheduled(format.when(order.scheduled_at))}</p>
        {order.clinical_diagnosis !== '' && <p>{order.clinical_diagnosis}</p>}
      </div>
      <div>
        <p>
          <b>{said(o.states, order.state)}</b> <span className="secondary">{said(o.sources, order.source)}</span>
        </p>
        {order.state === 'withdrawn' ? (
          <p>{o.withdrawnBecause(order.withdrawn_reason)}</p>
        ) : (
          <p className="secondary">{order.study_id === null ? o.noStudy : `${o.hasStudy} · ${said(o.evidence, order.link_evidence ?? '')}`}</p>
        )}
      </div>
      {isOpen && (
        <div className="order-card-acts">
          <button type="button" className="button" onClick={onChange} data-testid="order-change">
            {o.change}
          </button>
          {order.study_id === null ? (
            <button type="button" className="button" onClick={() => { setAsking('withdraw'); }} data-testid="order-withdraw">
              {o.withdraw}
            </button>
          ) : (
            <button type="button" className="button" onClick={() => { setAsking('unlink'); }} data-testid="order-unlink">
              {o.unlink}
            </button>
          )}
        </div>
      )}
      {asking === 'withdraw' && <ReasonDialog title={o.withdrawTitle} hint={o.withdrawHint} confirm={o.withdraw} action={withdraw} onClose={() => { setAsking(null); }} />}
      {asking === 'unlink' && <ReasonDialog title={o.unlinkTitle} hint={o.unlinkHint} confirm={o.unlink} action={unlink} onClose={() => { setAsking(null); }} />}
    </li>
  );
}
