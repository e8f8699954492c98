/** ECGs that are to be recorded: a number for the cart, or "now recording for this person" where the cart takes none. */
import { useState } from 'react';

import { ecgIntake as api } from '../api/ecg_intake';
import type { EcgDeviceView, OpenEcgOrderView } from '../api/types';
import { useNow } from '../app/clock';
import { useLive } from '../app/live';
import { useAction, useResource } from '../app/resource';
import { SelectField } from '../parts/field';
import { Empty, Loading, Note, ProblemNote } from '../parts/notes';
import { useFormat } from '../words';
import { useRoomWords } from '../words/language';
import * as words from './words_ecg';
import { useOrderWords } from './use_words';

const CHOSEN = 'reading-gateway.ecg-cart';

export function EcgRecordingTab() {
  const e = useRoomWords(words);
  const list = useResource(api.openOrders, 'ecg-orders');
  useLive((event) => event.kind === 'order' || event.kind === 'study', list.reload);
  const [cart, setCart] = useState(() => localStorage.getItem(CHOSEN) ?? '');
  const devices = list.data?.devices ?? [];
  const known = devices.some((device) => device.id === cart) ? cart : '';
  return (
    <>
      <Note tone="plain">{e.recordingHint}</Note>
      <div className="order-acts">
        <SelectField label={e.cart} value={known} data-testid="ecg-cart"
          onChange={(event) => { setCart(event.target.value); localStorage.setItem(CHOSEN, event.target.value); }}>
          <option value="">{e.anyCart}</option>
          {devices.map((device) => (
            <option key={device.id} value={device.id}>{device.name}</option>
          ))}
        </SelectField>
        {known === '' && <p className="secondary">{e.anyCartHint}</p>}
      </div>
      <ProblemNote problem={list.problem} onRetry={list.reload} />
      {list.data === null ? (
        list.problem === null && <Loading />
      ) : list.data.items.length === 0 ? (
        <Empty>{e.noneToRecord}</Empty>
      ) : (
        <ul className="order-list">
          {list.data.items.map((one) => (
            <ToRecord key={one.order.id} one={one} cart={known} devices={devices} onDone={list.reload} />
          ))}
        </ul>
      )}
    </>
  );
}

interface ToRecordProps {
  one: OpenEcgOrderView;
  cart: string;
  devices: EcgDeviceView[];
  onDone: () => void;
}

function ToRecord({ one, cart, devices, onDone }: ToRecordProps) {
  const e = useRoomWords(words);
  const o = useOrderWords();
  const format = useFormat();
  const now = useNow();
  const { order } = one;
  const call = useAction(async () => {
    await api.call(order.id, { device_id: cart === '' ? null : cart });
    onDone();
  });
  const end = useAction(async () => {
    await api.endCall(order.id);
    onDone();
  });
  const isCalled = one.called_until !== null && new Date(one.called_until).getTime() > now;
  const device = devices.find((found) => found.id === one.device_id)?.name ?? e.anyCart;
  return (
    <li className={`order-card${isCalled ? ' recording' : ''}`} data-testid="ecg-to-record" data-id={order.id}>
      <div>
        <h2>
          {order.patient_name}{' '}
          <span className="secondary">{[format.sex(order.sex), order.birth_date === null ? '' : format.date(order.birth_date)].filter((part) => part !== '').join(' ')}</span>
        </h2>
        <p className="secondary">{o.patientId(order.patient_id)} · {o.scheduled(format.when(order.scheduled_at))}</p>
      </div>
      <div>
        <p className="secondary">{e.number}</p>
        <p className="cart-number" data-testid="cart-number">{one.number.slice(0, 3)} {one.number.slice(3)}</p>
      </div>
      <div aria-live="polite">
        {isCalled && (
          <p data-testid="recording-now">
            <b>{e.recordingNow}</b> <span className="secondary">{device} · {e.until(format.when(one.called_until))}</span>
          </p>
        )}
        <ProblemNote problem={call.problem ?? end.problem} />
      </div>
      <div className="order-card-acts">
        {isCalled ? (
          <button type="button" className="button" disabled={end.isBusy} onClick={() => { void end.run(); }} data-testid="end-recording">{e.end}</button>
        ) : (
          <button type="button" className="button primary" disabled={call.isBusy} onClick={() => { void call.run(); }} data-testid="call-recording">{e.call}</button>
        )}
      </div>
    </li>
  );
}
