/** How a device writes names, learned from what it sent: a guess with its bytes, corrected with one act (C4). */
import { type FormEvent, useState } from 'react';

import { deviceText } from '../api/endpoints';
import type { DeviceTextDetail, DeviceTextView } from '../api/types';
import { useLive } from '../app/live';
import { type Action, useAction, useResource } from '../app/resource';
import { AppDialog } from '../parts/dialog';
import { SelectField, TextField } from '../parts/field';
import { Loading, Note, ProblemNote } from '../parts/notes';
import { said, useFormat } from '../words';
import { useRoomWords } from '../words/language';
import * as words from './words_device_text';
import './device_text.css';

const CODECS = ['gb18030', 'utf-8', 'latin-1', 'big5', 'shift_jis', 'euc_kr'];

/** Above the list of devices: those that mislabel steadily. */
export function TextSuggestions({ onChanged }: { onChanged: () => void }) {
  const d = useRoomWords(words);
  const learned = useResource(deviceText.list, 'devices-text');
  useLive((event) => event.kind === 'device', learned.reload);
  const [open, setOpen] = useState<DeviceTextView | null>(null);
  const changed = (): void => { learned.reload(); onChanged(); };
  const suggested = (learned.data ?? []).filter((device) => device.suggestion !== '');
  if (suggested.length === 0 && open === null) return null;
  return (
    <section aria-label={d.suggestions} data-testid="text-suggestions">
      {suggested.map((device) => (
        <Note key={device.device_id} tone="warning">
          <p>
            <b>{d.suggestion(device.name, device.mislabelled, device.names)}</b> {d.suggested(said(d.codecs, device.suggestion), percent(device.share))}{' '}
            <button type="button" className="button" onClick={() => { setOpen(device); }} data-testid="see-examples">
              {d.look}
            </button>
          </p>
        </Note>
      ))}
      {open !== null && <DeviceTextDialog deviceId={open.device_id} name={open.name} onClose={() => { setOpen(null); }} onChanged={changed} />}
    </section>
  );
}

/** In the row of a device. */
export function TextButton({ deviceId, name, onChanged }: { deviceId: string; name: string; onChanged: () => void }) {
  const d = useRoomWords(words);
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button type="button" className="button" onClick={() => { setOpen(true); }} data-testid="device-text">
        {d.button}
      </button>
      {isOpen && <DeviceTextDialog deviceId={deviceId} name={name} onClose={() => { setOpen(false); }} onChanged={onChanged} />}
    </>
  );
}

function DeviceTextDialog({ deviceId, name, onClose, onChanged }: { deviceId: string; name: string; onClose: () => void; onChanged: () => void }) {
  const d = useRoomWords(words);
  const text = useResource((signal) => deviceText.get(deviceId, signal), `device-text:${deviceId}`);
  useLive((event) => event.kind === 'device', text.reload);
  const act = useAction(async (work: () => Promise<DeviceTextDetail>) => {
    text.replace(await work());
    onChanged();
  });
  return (
    <AppDialog title={d.title(name)} onClose={onClose} size="large" testId="device-text-dialog">
      <ProblemNote problem={text.problem} onRetry={text.reload} />
      {text.data === null && text.problem === null && <Loading />}
      {text.data !== null && <Detail key={text.data.corrections.length} text={text.data} act={act} />}
    </AppDialog>
  );
}

type Act = Action<[() => Promise<DeviceTextDetail>]>;

function Detail({ text, act }: { text: DeviceTextDetail; act: Act }) {
  const d = useRoomWords(words);
  const { device } = text;
  return (
    <div className="device-text">
      <p>
        {d.rule}: <b>{ruleName(d, device.character_set, d.noRule)}</b>
      </p>
      {device.suggestion !== '' && (
        <Note tone="warning">{d.suggested(said(d.codecs, device.suggestion), percent(device.share))}</Note>
      )}
      <Counts text={text} />
      <Examples text={text} />
      <CorrectForm text={text} act={act} />
      <Corrections text={text} act={act} />
    </div>
  );
}

function Counts({ text }: { text: DeviceTextDetail }) {
  const d = useRoomWords(words);
  const format = useFormat();
  return (
    <section>
      <h3>{d.learned}</h3>
      {text.counts.length === 0 ? <p className="secondary">{d.nothingYet}</p> : (
        <div className="table-frame">
          <table className="table" data-testid="text-counts">
            <thead>
              <tr>
                <th scope="col">{d.declared}</th>
                <th scope="col">{d.really}</th>
                <th scope="col" className="number">{d.studies}</th>
              </tr>
            </thead>
            <tbody>
              {text.counts.map((count) => (
                <tr key={`${count.declared}/${count.codec}/${String(count.is_guess)}`}>
                  <td>{count.declared === '' ? d.absent : <code>{count.declared}</code>}</td>
                  <td>
                    {said(d.codecs, count.codec)}
                    {count.is_guess && <span className="guessed">{d.isGuess}</span>}
                  </td>
                  <td className="number">{format.number(count.studies)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <p className="secondary">{d.needs(text.device.needed_names, percent(text.device.needed_share))}</p>
    </section>
  );
}

function Examples({ text }: { text: DeviceTextDetail }) {
  const d = useRoomWords(words);
  if (text.examples.length === 0) return null;
  return (
    <section>
      <h3>{d.examples}</h3>
      <div className="table-frame" role="region" aria-label={d.examples} tabIndex={0}>
        <table className="table" data-testid="text-examples">
          <thead>
            <tr>
              <th scope="col">{d.asRead}</th>
              <th scope="col">{d.asDeclared}</th>
              <th scope="col">{d.declared}</th>
              <th scope="col">{d.rawBytes}</th>
            </tr>
          </thead>
          <tbody>
            {text.examples.map((example) => (
              <tr key={example.study_id}>
                <td>
                  <b>{example.as_read}</b>
                  {example.confidence === 'guessed' && <span className="guessed">{said(d.confidence, example.confidence)}</span>}
                </td>
                <td>{example.as_declared}</td>
                <td>{example.declared === '' ? d.absent : <code>{example.declared}</code>}</td>
                <td>
                  <code className="raw-bytes">{pairs(example.raw_hex)}</code>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function CorrectForm({ text, act }: { text: DeviceTextDetail; act: Act }) {
  const d = useRoomWords(words);
  const { device } = text;
  const [codec, setCodec] = useState(device.suggestion === '' ? device.character_set : device.suggestion);
  const [reason, setReason] = useState(device.suggestion === '' ? '' : d.reasonSuggested);
  const choices = CODECS.includes(codec) || codec === '' ? CODECS : [...CODECS, codec];
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void act.run(() => deviceText.correct(device.device_id, { character_set: codec, reason: reason.trim() }));
  };
  const told = act.problem === null ? undefined : d.problem[act.problem.reason];
  return (
    <form className="text-form" onSubmit={submit}>
      <h3>{d.correctTitle}</h3>
      <p className="secondary">{d.correctHint}</p>
      <div className="text-form-row">
        <SelectField label={d.characterSet} value={codec} onChange={(event) => { setCodec(event.target.value); }} data-testid="text-codec">
          <option value="">{d.noneAnyMore}</option>
          {choices.map((one) => (
            <option key={one} value={one}>
              {said(d.codecs, one)}
            </option>
          ))}
        </SelectField>
        <TextField label={d.reason} required maxLength={500} value={reason} onChange={(event) => { setReason(event.target.value); }} data-testid="text-reason" />
        <button type="submit" className="button primary" disabled={act.isBusy || reason.trim() === '' || codec === device.character_set} data-testid="correct-text">
          {d.correct}
        </button>
      </div>
      {told === undefined ? <ProblemNote problem={act.problem} /> : <Note tone="critical">{told}</Note>}
    </form>
  );
}

function Corrections({ text, act }: { text: DeviceTextDetail; act: Act }) {
  const d = useRoomWords(words);
  const format = useFormat();
  const [reason, setReason] = useState('');
  if (text.corrections.length === 0) return null;
  const undo = (event: FormEvent): void => {
    event.preventDefault();
    void act.run(() => deviceText.undo(text.device.device_id, { reason: reason.trim() }));
  };
  return (
    <section data-testid="text-corrections">
      <h3>{d.corrections}</h3>
      <ul className="text-corrections">
        {text.corrections.map((one) => (
          <li key={one.at}>
            <b>{d.correction(ruleName(d, one.before, d.noneAnyMore), ruleName(d, one.after, d.noneAnyMore))}</b>
            {one.is_undo && <span className="badge">{d.isUndo}</span>} · {one.actor_name} · {format.dateTime(one.at)} · {one.is_finished ? d.finished(one.studies) : d.running}
            <br />
            {one.reason}
          </li>
        ))}
      </ul>
      {text.can_undo && (
        <form className="text-form-row" onSubmit={undo}>
          <TextField label={d.reason} required maxLength={500} value={reason} onChange={(event) => { setReason(event.target.value); }} data-testid="undo-reason" />
          <button type="submit" className="button" disabled={act.isBusy || reason.trim() === ''} data-testid="undo-text">
            {d.undo}
          </button>
        </form>
      )}
    </section>
  );
}

function ruleName(d: typeof words.zh, codec: string, none: string): string {
  return codec === '' ? none : said(d.codecs, codec);
}

function percent(share: number): string {
  return `${String(Math.floor(share * 100))}%`;
}

function pairs(hex: string): string {
  return hex.replace(/(..)(?=.)/g, '$1 ');
}
