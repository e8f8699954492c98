/** Decide about an arrival: one choice, one reason, and what the choice does in plain words. */
import { type FormEvent, useState } from 'react';

import { admin as api } from '../api/endpoints';
import type { ExaminationView } from '../api/types';
import { type Action, useResource } from '../app/resource';
import { AreaField, CheckField, SelectField } from '../parts/field';
import { Note, ProblemNote } from '../parts/notes';
import { said } from '../words';
import { useRoomWords } from '../words/language';
import * as words from './words_quarantine';

const RETRY = 'retry';

export function DecisionForm({ found, action }: { found: ExaminationView; action: Action<[string, string, string, boolean]> }) {
  const q = useRoomWords(words);
  const sites = useResource(api.sites, 'sites');
  const [choice, setChoice] = useState('');
  const [reason, setReason] = useState('');
  const [site, setSite] = useState(found.study_site_id === found.arrival.site_id ? '' : found.study_site_id);
  const [isForAlike, setForAlike] = useState(false);
  if (found.choices.length === 0) return null;
  const offersAlike = found.alike > 0 && !found.choices.includes('undo');
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void action.run(choice, reason.trim(), choice === RETRY ? site : '', offersAlike && isForAlike);
  };
  const problem = action.problem;
  const told = problem === null ? undefined : q.problem[problem.reason];
  return (
    <form className="decision-form" onSubmit={submit} data-testid="decision-form">
      <fieldset>
        <legend>{q.choicesTitle}</legend>
        {found.choices.map((one) => (
          <label key={one} className="decision-choice">
            <input type="radio" name="choice" value={one} checked={choice === one} required onChange={() => { setChoice(one); }} data-testid={`choice-${one}`} />
            <span>
              <b>{said(q.choices, one)}</b>
              <br />
              <span className="secondary">{said(q.choiceHints, one)}</span>
            </span>
          </label>
        ))}
      </fieldset>
      <div className="decision-why">
        {choice === RETRY && (
          <SelectField label={q.retrySite} hint={q.retrySiteHint} value={site} onChange={(event) => { setSite(event.target.value); }} data-testid="retry-site">
            <option value="">–</option>
            {(sites.data ?? []).map((one) => (
              <option key={one.id} value={one.id}>
                {one.name}
              </option>
            ))}
          </SelectField>
        )}
        <AreaField label={q.reason} hint={q.reasonHint} required rows={2} maxLength={500} value={reason} onChange={(event) => { setReason(event.target.value); }} data-testid="decision-reason" />
        {offersAlike && <CheckField label={q.alike(found.alike)} checked={isForAlike} onChange={(event) => { setForAlike(event.target.checked); }} data-testid="for-alike" />}
        {told === undefined ? <ProblemNote problem={problem} /> : (
          <div role="alert" data-testid="problem" data-reason={problem?.reason}>
            <Note tone="critical">
              {told} {problem?.detail}
            </Note>
          </div>
        )}
        <button type="submit" className="button primary" disabled={choice === '' || reason.trim() === '' || action.isBusy} data-testid="decide">
          {choice === '' ? q.choicesTitle : said(q.choices, choice)}
        </button>
      </div>
    </form>
  );
}
