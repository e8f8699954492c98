/** The signed PDF over the list: read, print, acknowledge. Opening it is recorded by the gateway. */
import { useRef } from 'react';

import { reports as api } from '../api/endpoints';
import type { ClinicRow } from '../api/types';
import { AppDialog } from '../parts/dialog';
import { Icon } from '../parts/icons';
import { Note } from '../parts/notes';
import { ReceivedButton } from './received_button';
import { useClinicWords } from './use_words';

interface ReportSheetProps {
  row: ClinicRow;
  reportId: string;
  title: string;
  onClose: () => void;
  onChanged: () => void;
}

export function ReportSheet({ row, reportId, title, onClose, onChanged }: ReportSheetProps) {
  const w = useClinicWords();
  const frame = useRef<HTMLIFrameElement>(null);
  const url = api.pdfUrl(reportId);
  return (
    <AppDialog title={title} size="large" onClose={onClose} testId="report-sheet">
      {row.is_critical && row.step !== 'acknowledged' && <Note tone="critical">{w.clinic.criticalHint}</Note>}
      {row.report_state === 'preliminary' && <Note tone="warning">{w.clinic.preliminary}</Note>}
      <iframe ref={frame} className="pdf" src={url} title={title} data-testid="pdf" />
      <footer className="sheet-acts">
        <button type="button" className="button" onClick={() => { frame.current?.contentWindow?.print(); }}>
          <Icon name="print" /> {w.clinic.print}
        </button>
        <a className="button" href={url} target="_blank" rel="noreferrer" data-testid="open-new">
          <Icon name="open" /> {w.clinic.openNew}
        </a>
        <ReceivedButton row={row} onChanged={onChanged} />
      </footer>
    </AppDialog>
  );
}
