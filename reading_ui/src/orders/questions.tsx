/** Studies that name no order: the study on one side, each order that may be its own beside it, with what agrees. */
import { useState } from 'react';

import { orders as api } from '../api/endpoints';
import type { OpenQuestionList, OpenQuestionView, ProposalView } from '../api/types';
import { type Resource, useAction } from '../app/resource';
import { Icon } from '../parts/icons';
import { Empty, Loading, ProblemNote } from '../parts/notes';
import { ReasonDialog } from '../parts/reason_dialog';
import { said, useFormat } from '../words';
import { useOrderWords } from './use_words';

export function QuestionsTab({ questions }: { questions: Resource<OpenQuestionList> }) {
  const o = useOrderWords();
  return (
    <>
      <ProblemNote problem={questions.problem} onRetry={questions.reload} />
      {questions.data === null ? (
        questions.problem === null && <Loading />
      ) : questions.data.items.length === 0 ? (
        <Empty>
          <p>{o.questionsNothing}</p>
          <p className="secondary">{o.questionsHint}</p>
        </Empty>
      ) : (
        <ul className="order-list">
          {questions.data.items.map((question) => (
            <Question key={question.study_id} question={question} onDone={questions.reload} />
          ))}
        </ul>
      )}
    </>
  );
}

function Question({ question, onDone }: { question: OpenQuestionView; onDone: () => void }) {
  const o = useOrderWords();
  const format = useFormat();
  const [chosen, setChosen] = useState<ProposalView | null>(null);
  const [isRefusing, setRefusing] = useState(false);
  const link = useAction(async (reason: string) => {
    if (chosen !== null) await api.link(question.study_id, { order_id: chosen.order.id, reason });
    onDone();
  });
  const refuse = useAction(async (reason: string) => {
    await api.none(question.study_id, { reason });
    onDone();
  });
  return (
    <li className="question" data-testid="question" data-id={question.study_id}>
      <section>
        <h2>{o.ofStudy}</h2>
        <p>
          <b>{question.patient_name}</b> {question.name_is_guess && <span className="badge badge-warning">{o.guess}</span>}{' '}
          {[format.sex(question.sex), question.birth_date === null ? '' : format.date(question.birth_date)].filter((part) => part !== '').join(' ')}
        </p>
        <p className="secondary">
          {o.patientId(question.patient_id)}
          {question.accession_number !== '' && ` · ${o.accession(question.accession_number)}`}
        </p>
        <p>
          <b>{question.modality}</b> {question.description === '' ? question.body_part : question.description} · {o.images(question.instance_count)}
        </p>
        <p className="secondary">
          {format.when(question.study_at ?? question.arrived_at)} · {question.site_name} {question.device_name !== '' && o.arrivedFrom(question.device_name)}
        </p>
        <button type="button" className="button" onClick={() => { setRefusing(true); }} data-testid="question-none">
          {o.none}
        </button>
      </section>
      <ul>
        {question.proposals.map((proposal) => (
          <Proposal key={proposal.order.id} proposal={proposal} onChoose={() => { setChosen(proposal); }} />
        ))}
      </ul>
      {chosen !== null && <ReasonDialog title={`${o.linkTitle}: ${chosen.order.patient_name} ${chosen.order.accession_number}`} hint={o.linkHint} confirm={o.link} action={link} onClose={() => { setChosen(null); }} />}
      {isRefusing && <ReasonDialog title={o.noneTitle} hint={o.noneHint} confirm={o.none} action={refuse} onClose={() => { setRefusing(false); }} />}
    </li>
  );
}

function Proposal({ proposal, onChoose }: { proposal: ProposalView; onChoose: () => void }) {
  const o = useOrderWords();
  const format = useFormat();
  const { order } = proposal;
  return (
    <li className="proposal" data-testid="proposal" data-id={order.id}>
      <h3>
        {o.ofOrder} · {o.score(proposal.score)}
      </h3>
      <p>
        <b>{order.patient_name}</b> {[format.sex(order.sex), order.birth_date === null ? '' : format.date(order.birth_date)].filter((part) => part !== '').join(' ')}
      </p>
      <p className="secondary">
        {o.patientId(order.patient_id)} · {o.accession(order.accession_number)}
      </p>
      <p>
        <b>{order.modality}</b> {order.procedure_description === '' ? order.body_part : order.procedure_description} · {o.scheduled(format.when(order.scheduled_at))}
      </p>
      <ul className="reasons">
        {proposal.reasons.map((word) => {
          const isAgainst = word.startsWith('other-');
          return (
            <li key={word} className={isAgainst ? 'against' : 'for'}>
              <Icon name={isAgainst ? 'warning' : 'check'} /> {said(o.reasons, word)} {isAgainst ? o.different : o.same}
            </li>
          );
        })}
      </ul>
      <button type="button" className="button primary" onClick={onChoose} data-testid="proposal-link">
        {o.link}
      </button>
    </li>
  );
}
