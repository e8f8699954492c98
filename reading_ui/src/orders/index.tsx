/** Orders: what the clinic asked for, whether its images are here, and the studies whose order a person must name. */
import { orders as api } from '../api/endpoints';
import { useLive } from '../app/live';
import { useResource } from '../app/resource';
import { ecgIntake } from '../api/ecg_intake';
import { Link } from '../app/router';
import { EcgRecordingTab } from './ecg_recording';
import { OrderListTab } from './order_list';
import './orders.css';
import { QuestionsTab } from './questions';
import { UnidentifiedList } from './unidentified';
import { useOrderWords } from './use_words';

export default function OrdersPage({ section }: { section: string }) {
  const o = useOrderWords();
  const questions = useResource((signal) => api.questions(signal), 'questions');
  const nobodys = useResource(ecgIntake.unidentified, 'ecg-unidentified');
  useLive((event) => event.kind === 'order' || event.kind === 'study', () => {
    questions.reload();
    nobodys.reload();
  });
  const tab = section === 'questions' || section === 'ecg' ? section : 'list';
  const waiting = (questions.data?.total ?? 0) + (nobodys.data?.total ?? 0);
  return (
    <div className="orders" data-testid="orders">
      <header>
        <h1>{o.title}</h1>
        <nav aria-label={o.tabsLabel}>
          {(['list', 'ecg', 'questions'] as const).map((name) => (
            <Link key={name} href={name === 'list' ? '/orders' : `/orders/${name}`} aria-current={tab === name ? 'page' : undefined}>
              {o.tabs[name]}
              {name === 'questions' && waiting > 0 && <span className="badge badge-warning">{waiting}</span>}
            </Link>
          ))}
        </nav>
      </header>
      {tab === 'list' && <OrderListTab />}
      {tab === 'ecg' && <EcgRecordingTab />}
      {tab === 'questions' && (
        <>
          <UnidentifiedList list={nobodys} />
          {((questions.data?.items.length ?? 0) > 0 || (nobodys.data?.total ?? 0) === 0) && <QuestionsTab questions={questions} />}
        </>
      )}
    </div>
  );
}
