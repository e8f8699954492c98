/** Labelled controls. Browsers' own inputs: they know every input method, every keyboard and every zoom. */
import { type ComponentProps, type ReactNode, useId } from 'react';

interface Labelled {
  label: string;
  hint?: string | undefined;
}

export function TextField({ label, hint, ...input }: Labelled & ComponentProps<'input'>) {
  const id = useId();
  return (
    <Labelling id={id} label={label} hint={hint}>
      <input id={id} className="control" aria-describedby={hint === undefined ? undefined : `${id}-hint`} {...input} />
    </Labelling>
  );
}

export function SelectField({ label, hint, children, ...select }: Labelled & ComponentProps<'select'>) {
  const id = useId();
  return (
    <Labelling id={id} label={label} hint={hint}>
      <select id={id} className="control" {...select}>
        {children}
      </select>
    </Labelling>
  );
}

export function AreaField({ label, hint, ...area }: Labelled & ComponentProps<'textarea'>) {
  const id = useId();
  return (
    <Labelling id={id} label={label} hint={hint}>
      <textarea id={id} className="control" aria-describedby={hint === undefined ? undefined : `${id}-hint`} {...area} />
    </Labelling>
  );
}

export function CheckField({ label, ...input }: Labelled & ComponentProps<'input'>) {
  return (
    <label className="check-field">
      <input type="checkbox" {...input} />
      {label}
    </label>
  );
}

function Labelling({ id, label, hint, children }: Labelled & { id: string; children: ReactNode }) {
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children}
      {hint !== undefined && (
        <p id={`${id}-hint`} className="secondary">
          {hint}
        </p>
      )}
    </div>
  );
}
