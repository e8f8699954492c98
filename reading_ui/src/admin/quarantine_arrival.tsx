/** One arrival of the quarantine beside the object it is in conflict with: what differs, by element, and what to do. */
import { useState } from 'react';

import { admin as api, quarantine } from '../api/endpoints';
import type { ArrivalSide, ExaminationView, PixelView } from '../api/types';
import { useAction, useResource } from '../app/resource';
import { Link } from '../app/router';
import { Loading, Note, ProblemNote } from '../parts/notes';
import { said, useFormat } from '../words';
import { ELEMENT_NAMES } from '../words/dicom_elements';
import { useLanguage, useRoomWords } from '../words/language';
import { siteName } from './choices';
import { DecisionForm } from './quarantine_decision';
import * as words from './words_quarantine';
import { useAdminWords } from './use_words';

export function ArrivalPage({ arrivalId }: { arrivalId: string }) {
  const q = useRoomWords(words);
  const shown = useResource((signal) => quarantine.get(arrivalId, signal), `arrival:${arrivalId}`);
  const decide = useAction(async (choice: string, reason: string, site: string, isForAlike: boolean) => {
    shown.replace(await quarantine.decide(arrivalId, { choice, reason, site_id: site, is_for_alike: isForAlike }));
  });
  return (
    <>
      <p>
        <Link className="button" href="/admin/quarantine">
          {q.back}
        </Link>
      </p>
      <ProblemNote problem={shown.problem} onRetry={shown.reload} />
      {shown.data === null && shown.problem === null && <Loading />}
      {shown.data !== null && (
        <>
          <About found={shown.data} />
          <Sides found={shown.data} />
          <DecisionForm key={shown.data.decisions.length} found={shown.data} action={decide} />
          <Differences found={shown.data} />
          <History found={shown.data} />
        </>
      )}
    </>
  );
}

function About({ found }: { found: ExaminationView }) {
  const a = useAdminWords();
  const q = useRoomWords(words);
  const format = useFormat();
  const sites = useResource(api.sites, 'sites');
  const { arrival, first_study: study } = found;
  return (
    <section className="arrival-about" data-testid="arrival-about">
      <h2>{said(q.reasons, arrival.reason)}</h2>
      <p className="secondary">{q.details[arrival.reason] ?? arrival.detail}</p>
      <dl className="facts">
        <dt>{a.at}</dt>
        <dd>{format.dateTime(arrival.at)}</dd>
        <dt>{a.site}</dt>
        <dd>{siteName(sites.data, arrival.site_id)}</dd>
        <dt>{a.from}</dt>
        <dd>{[arrival.calling_ae_title, arrival.address, arrival.file_name].filter((part) => part !== '').join(' · ')}</dd>
        {arrival.sop_instance_uid !== '' && (
          <>
            <dt>SOP Instance UID</dt>
            <dd>
              <code>{arrival.sop_instance_uid}</code>
            </dd>
          </>
        )}
        {study !== null && (
          <>
            <dt>{q.firstStudy}</dt>
            <dd>{[study.patient_name, study.patient_id, study.modality, study.description, format.dateTime(study.study_at), siteName(sites.data, study.site_id)].filter((part) => part !== '').join(' · ')}</dd>
          </>
        )}
      </dl>
      {found.is_first_elsewhere && <Note tone="warning">{q.elsewhere}</Note>}
      {study !== null && !study.is_same_study && found.second.is_readable && <Note tone="warning">{q.otherStudyNamed}</Note>}
    </section>
  );
}

function Sides({ found }: { found: ExaminationView }) {
  const q = useRoomWords(words);
  const { first, second, arrival } = found;
  if (first === null) return <SideBox arrivalId={arrival.id} which="second" side={second} title={q.sides.only} />;
  return (
    <div className="arrival-sides">
      <SideBox arrivalId={arrival.id} which="first" side={first} title={found.is_first_shown ? q.sides.first : q.sides.firstSuperseded} />
      <SideBox arrivalId={arrival.id} which="second" side={second} title={found.is_first_shown ? q.sides.second : q.sides.secondShown} />
    </div>
  );
}

function SideBox({ arrivalId, which, side, title }: { arrivalId: string; which: 'first' | 'second'; side: ArrivalSide; title: string }) {
  const q = useRoomWords(words);
  const format = useFormat();
  const [hasFailed, setFailed] = useState(false);
  return (
    <section className="arrival-side" data-testid={`side-${which}`}>
      <h3>{title}</h3>
      {side.has_picture && !hasFailed ? (
        <img src={quarantine.previewUrl(arrivalId, which)} alt={title} onError={() => { setFailed(true); }} data-testid={`picture-${which}`} />
      ) : (
        <p className="no-picture secondary">{side.is_readable ? q.noPicture : q.unreadable(said(q.reasons, side.fault))}</p>
      )}
      <dl className="facts">
        {side.transfer_syntax !== '' && (
          <>
            <dt>{q.syntax}</dt>
            <dd>{side.transfer_syntax}</dd>
          </>
        )}
        <dt>{q.size}</dt>
        <dd>{format.bytes(side.size_bytes)}</dd>
        <dt>{q.sha256}</dt>
        <dd>
          <code title={side.sha256}>{side.sha256.slice(0, 16)}…</code>
        </dd>
        {side.first_bytes_hex !== '' && (
          <>
            <dt>{q.firstBytes}</dt>
            <dd>
              <code>{side.first_bytes_hex}</code>
            </dd>
          </>
        )}
      </dl>
      <a className="button" href={quarantine.bytesUrl(arrivalId, which)} download>
        {q.download}
      </a>
    </section>
  );
}

function Differences({ found }: { found: ExaminationView }) {
  const q = useRoomWords(words);
  const isChinese = useLanguage() === 'zh';
  const isPair = found.first !== null;
  if (!found.second.is_readable) return null;
  return (
    <section className="arrival-differences" data-testid="differences">
      <h2>{isPair ? q.differences(found.elements.length, found.equal_count) : q.elementsOnly(found.elements.length)}</h2>
      {isPair && <PixelLine pixels={found.pixels} />}
      {isPair && found.elements.length === 0 && <p className="secondary">{q.noDifference}</p>}
      {found.elements.length > 0 && (
        <div className="table-frame" role="region" aria-label={q.element} tabIndex={0}>
          <table className="table element-table">
            <thead>
              <tr>
                <th scope="col">{q.element}</th>
                {isPair && <th scope="col">{q.first}</th>}
                <th scope="col">{isPair ? q.second : q.value}</th>
              </tr>
            </thead>
            <tbody>
              {found.elements.map((element) => (
                <tr key={element.path} data-testid="difference" data-keyword={element.keyword} className={`difference-${element.kind}`}>
                  <td>
                    <code>{element.path}</code> <span className="faint">{element.vr}</span>
                    <br />
                    {isChinese && ELEMENT_NAMES[element.keyword] !== undefined && <b>{ELEMENT_NAMES[element.keyword]} </b>}
                    <span className="secondary">{element.keyword === '' ? element.name : element.keyword}</span>
                    {element.is_private && <span className="badge">{q.isPrivate}</span>}
                  </td>
                  {isPair && <td className="element-value">{element.first ?? <span className="faint">{q.absent}</span>}</td>}
                  <td className="element-value">{element.second ?? <span className="faint">{q.absent}</span>}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function PixelLine({ pixels }: { pixels: PixelView }) {
  const q = useRoomWords(words);
  const format = useFormat();
  const shapes = [pixels.first_shape, pixels.second_shape].map(([frames, rows, columns, samples]) =>
    frames === undefined ? '–' : q.shape(frames, rows ?? 0, columns ?? 0, samples ?? 1));
  const verdict = pixels.verdict === 'different' ? q.differing(format.number(pixels.differing), format.number(pixels.compared), format.number(pixels.largest)) : said(q.pixelVerdict, pixels.verdict);
  return (
    <p data-testid="pixel-verdict" data-verdict={pixels.verdict}>
      <b>{q.pixels}</b>: {verdict}
      {pixels.verdict === 'shape' && ` (${shapes[0] ?? ''} / ${shapes[1] ?? ''})`}
      {(pixels.verdict === 'identical' || pixels.verdict === 'different') && ` (${shapes[0] ?? ''})`}
      {!pixels.is_whole && ` ${q.notWhole}`}
    </p>
  );
}

function History({ found }: { found: ExaminationView }) {
  const q = useRoomWords(words);
  const format = useFormat();
  return (
    <section data-testid="arrival-history">
      <h2>{q.history}</h2>
      {found.decisions.length === 0 && <p className="secondary">{q.historyNone}</p>}
      <ol className="arrival-history">
        {found.decisions.map((decision) => (
          <li key={decision.at + decision.choice}>
            <b>{said(q.choices, decision.choice)}</b> · {decision.actor_name} · {format.dateTime(decision.at)}
            {decision.is_undone && <span className="badge">{q.undone}</span>}
            <br />
            {decision.reason}
          </li>
        ))}
      </ol>
    </section>
  );
}
