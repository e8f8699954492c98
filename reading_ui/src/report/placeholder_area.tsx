/**
 * A plain text area whose 【】 are marked. The marks are drawn by a twin behind it with the same type, which also
 * gives the area its height; what is typed stays the browser's own text, so every input method works.
 */
import { type Ref, useId } from 'react';

import { piecesOf } from '../model/placeholders';

interface PlaceholderAreaProps {
  label: string;
  value: string;
  field: Ref<HTMLTextAreaElement>;
  isBig: boolean;
  testId: string;
  onChange: (value: string) => void;
  onFocus: () => void;
}

export function PlaceholderArea({ label, value, field, isBig, testId, onChange, onFocus }: PlaceholderAreaProps) {
  const id = useId();
  return (
    <div className="section">
      <label htmlFor={id}>{label}</label>
      <div className={`twin ${isBig ? 'big' : ''}`}>
        <div className="twin-marks" aria-hidden>
          {piecesOf(value).map((piece, index) =>
            piece.isPlaceholder ? <mark key={index}>{piece.text}</mark> : <span key={index}>{piece.text}</span>,
          )}
          {'\u200b'}
        </div>
        <textarea id={id} ref={field} value={value} spellCheck={false} data-testid={testId} onFocus={onFocus} onChange={(event) => { onChange(event.target.value); }} />
      </div>
    </div>
  );
}
