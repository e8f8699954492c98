/** The two dialogs and their styles in one chunk, which loads when somebody grades. */
import { GradeDialog, type GradeDialogProps } from './grade_dialog';
import type { Taken } from './picture';
import { RejectDialog } from './reject_dialog';
import './quality.css';

export type Open = { kind: 'grade' | 'reject'; taken: Taken | null };

interface DialogsProps extends Omit<GradeDialogProps, 'taken' | 'onReject'> {
  open: Open;
  canSendBack: boolean;
  onOpen: (open: Open) => void;
  onRejected: () => void;
}

export default function Dialogs({ open, canSendBack, onOpen, onRejected, ...rest }: DialogsProps) {
  if (open.kind === 'grade') return <GradeDialog {...rest} taken={open.taken} onReject={() => { onOpen({ ...open, kind: 'reject' }); }} />;
  return <RejectDialog study={rest.study} known={rest.known} taken={open.taken} canSendBack={canSendBack} onDone={onRejected} onClose={rest.onClose} />;
}
