/** Modal dialogs and small panels; focus handling is react-aria's. */
import type { ReactNode } from 'react';
import { Button, Dialog, DialogTrigger, Heading, Modal, ModalOverlay, Popover } from 'react-aria-components';

import { useWords } from '../words';
import { Icon } from './icons';

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ReactNode;
  size?: 'small' | 'large';
  testId?: string;
}

/** A dialog that is open as long as it is drawn. A click outside does not throw written words away. */
export function AppDialog({ title, onClose, children, size = 'small', testId }: DialogProps) {
  const w = useWords();
  return (
    <ModalOverlay
      className="dialog-shade"
      isOpen
      onOpenChange={(isOpen) => {
        if (!isOpen) onClose();
      }}
    >
      <Modal className={`dialog-box ${size}`}>
        <Dialog className="dialog" data-testid={testId}>
          <header>
            <Heading slot="title">{title}</Heading>
            <Button slot="close" className="button bare" aria-label={w.common.close}>
              <Icon name="cross" />
            </Button>
          </header>
          {children}
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}

/** A button that opens a small panel beside it. */
export function Panel({ label, button, children, testId }: { label: string; button: ReactNode; children: ReactNode; testId?: string }) {
  return (
    <DialogTrigger>
      <Button className="button bare" data-testid={testId}>
        {button}
      </Button>
      <Popover className="popover" placement="bottom start">
        <Dialog aria-label={label} className="popover-body">
          {children}
        </Dialog>
      </Popover>
    </DialogTrigger>
  );
}
