/** Hours of the next four weeks in which nobody of the group is on duty; each leads to its week. */
import type { GapView } from '../api/types';
import { Icon } from '../parts/icons';
import { useLanguage } from '../words/language';
import { clockOf, dayOf, minuteOf } from './calendar';
import { useRosterWords } from './use_words';

const SHOWN = 6;

interface GapListProps {
  gaps: GapView[];
  zone: string;
  groupName: (id: string) => string;
  onShow: (iso: string) => void;
}

export function GapList({ gaps, zone, groupName, onShow }: GapListProps) {
  const r = useRosterWords();
  const language = useLanguage();
  const open = gaps.filter((gap) => gap.covered_by === null);
  const listed = [...open, ...gaps.filter((gap) => gap.covered_by !== null)];
  const clock = (iso: string): string => clockOf(minuteOf(iso, zone));
  const date = (iso: string): string => {
    const [, month, day] = dayOf(iso, zone).split('-');
    return language === 'zh' ? `${month ?? ''}/${day ?? ''}` : `${day ?? ''}/${month ?? ''}`;
  };
  const spanOf = ({ starts_at, ends_at }: GapView): string => {
    const isOneDay = dayOf(starts_at, zone) === dayOf(ends_at, zone);
    return `${date(starts_at)} ${clock(starts_at)} – ${isOneDay ? '' : `${date(ends_at)} `}${clock(ends_at)}`;
  };
  return (
    <section className="roster-gaps" aria-label={r.gapsTitle} data-testid="gaps">
      <h2>{r.gapsTitle}</h2>
      {open.length === 0 ? (
        <p className="ok-line">
          <Icon name="check" /> {r.gapsNone}
        </p>
      ) : (
        <p className="bad-line">
          <Icon name="warning" /> {r.gaps(open.length)}
        </p>
      )}
      <ul>
        {listed.slice(0, SHOWN).map((gap) => (
          <li key={`${gap.group}${gap.starts_at}`} className={gap.covered_by === null ? 'bad' : ''}>
            <button type="button" className="button bare" onClick={() => { onShow(gap.starts_at); }} title={r.toWeek}>
              {spanOf(gap)}
            </button>
            {gap.covered_by !== null && <span className="secondary">{r.coveredBy(groupName(gap.covered_by))}</span>}
          </li>
        ))}
      </ul>
      {listed.length > SHOWN && <p className="secondary">{r.moreGaps(listed.length - SHOWN)}</p>}
    </section>
  );
}
