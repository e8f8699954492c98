/** The reading site says no, with a reason (A2). */
import { useState } from 'react';

import { readings as api } from '../api/readings_more';
import type { ReadingDetail } from '../api/types';
import { useAction } from '../app/resource';
import { ReasonDialog } from '../parts/reason_dialog';
import * as words from '../parts/words_missing';
import { useRoomWords } from '../words/language';

export function DeclineButton({ detail, onDetail }: { detail: ReadingDetail; onDetail: (detail: ReadingDetail) => void }) {
  const w = useRoomWords(words);
  const [isOpen, setOpen] = useState(false);
  const action = useAction(async (reason: string) => { onDetail(await api.decline(detail.row.id, { reason })); });
  if (!detail.allowed.includes('decline')) return null;
  return (
    <>
      <button type="button" className="button bare" onClick={() => { setOpen(true); }} data-testid="decline">
        {w.decline}
      </button>
      {isOpen && <ReasonDialog title={w.declineTitle} hint={w.declineHint} confirm={w.decline} action={action} onClose={() => { setOpen(false); }} />}
    </>
  );
}
