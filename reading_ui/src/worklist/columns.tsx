/** What a row of the worklist tells at a glance, in the order in which a doctor decides. */
import type { ReadingRow } from '../api/types';
import { clockOf, isClosed } from '../model/due';
import { ClockMark } from '../parts/clock_mark';
import { Icon } from '../parts/icons';
import { PatientName, PriorityMark, StateMark } from '../parts/marks';
import { HintBadge } from '../parts/priority_hints';
import { examOf, type Words } from '../words';
import type { Format } from '../words/format';
import type { Column } from './grid';

interface Context {
  w: Words;
  format: Format;
  now_ms: number;
  userId: string;
}

export function columnsOf({ w, format, now_ms, userId }: Context): Column<ReadingRow>[] {
  return [
    { id: 'priority', title: w.worklist.priority, width: '104px', cell: (row) => <PriorityMark priority={row.priority} /> },
    { id: 'clock', title: w.worklist.clock, width: 'minmax(192px, 1.2fr)', cell: (row) => <Clock row={row} w={w} format={format} now_ms={now_ms} /> },
    { id: 'state', title: w.worklist.state, width: '136px', cell: (row) => <StateMark state={row.state} /> },
    { id: 'patient', title: w.worklist.patient, width: 'minmax(104px, 1fr)', cell: (row) => <PatientName name={row.patient.name} /> },
    {
      id: 'age',
      title: w.worklist.sexAge,
      width: '104px',
      cell: (row) => `${format.sex(row.patient.sex)} ${format.age(row.age_years)}`,
    },
    {
      id: 'exam',
      title: w.worklist.exam,
      width: 'minmax(212px, 1.4fr)',
      cell: (row) => (
        <span title={row.description}>
          <Icon name={row.kind === 'ecg' ? 'ecg' : 'image'} label={row.kind === 'ecg' ? w.common.kindEcg : w.common.kindImage} />{' '}
          <strong>{row.modality}</strong> <HintBadge row={row} w={w} /> {examOf(row, w)}
        </span>
      ),
    },
    { id: 'site', title: w.worklist.siteColumn, width: 'minmax(96px, 1.2fr)', cell: (row) => <span title={row.site_name}>{row.site_name}</span> },
    { id: 'arrived', title: w.worklist.arrived, width: '112px', cell: (row) => format.when(row.arrived_at) },
    { id: 'images', title: w.worklist.images, width: '84px', cell: (row) => <Count row={row} w={w} /> },
    { id: 'holder', title: w.worklist.holder, width: 'minmax(80px, 0.8fr)', cell: (row) => <Holder row={row} w={w} userId={userId} /> },
  ];
}

function Clock({ row, w, format, now_ms }: { row: ReadingRow; w: Words; format: Format; now_ms: number }) {
  if (isClosed(row.state)) return <span className="faint">{w.worklist.done}</span>;
  // The hour of arrival has its own column: here how long one has waited is said on pointing at it.
  return (
    <span className="clock" title={`${format.dateTime(row.due_at)} · ${w.worklist.waited(format.span(clockOf(row, now_ms).waited_ms))}`}>
      <ClockMark row={row} now_ms={now_ms} />
    </span>
  );
}

function Count({ row, w }: { row: ReadingRow; w: Words }) {
  if (row.late_instances > 0) {
    return (
      <span className="late" title={w.worklist.lateHint}>
        {w.worklist.late(row.late_instances)}
      </span>
    );
  }
  if (row.kind === 'ecg') {
    return row.is_device_statement_present ? (
      <abbr className="faint" title={w.worklist.statementHint}>
        {w.worklist.statement}
      </abbr>
    ) : null;
  }
  if (row.expected_count === null) return String(row.instance_count);
  const isShort = row.instance_count < row.expected_count;
  return (
    <span className={isShort ? 'late' : ''} title={w.worklist.counted(row.instance_count, row.expected_count)}>
      {row.instance_count}/{row.expected_count}
    </span>
  );
}

function Holder({ row, w, userId }: { row: ReadingRow; w: Words; userId: string }) {
  if (row.claimed_by !== null) {
    const isMe = row.claimed_by === userId;
    return (
      <span className={isMe ? 'mine' : ''}>
        <Icon name="lock" /> {isMe ? w.worklist.heldByMe : row.claimed_by_name}
      </span>
    );
  }
  if (row.assigned_to_name === null) return null;
  return (
    <span className="faint" title={w.worklist.assigned(row.assigned_to_name)}>
      {row.assigned_to_name}
    </span>
  );
}
