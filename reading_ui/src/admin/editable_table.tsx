/** What administrators keep lists of: a table, a button to add, and where rows can be changed, one in each row. */
import { type ReactNode, useState } from 'react';

import type { Resource } from '../app/resource';
import { Table, type TableColumn } from './table';
import { useAdminWords } from './use_words';

interface EditableTableProps<T> {
  label: string;
  columns: TableColumn<T>[];
  list: Resource<T[]>;
  /** The form of a row, or of a new one (null). */
  form: (row: T | null, onClose: () => void) => ReactNode;
  canChange?: boolean;
  /** Further acts beside "change". */
  acts?: (row: T) => ReactNode;
  /** Stands between the button and the table. */
  children?: ReactNode;
}

const NEW = 'new';

export function EditableTable<T extends { id: string }>({ label, columns, list, form, canChange = true, acts, children }: EditableTableProps<T>) {
  const a = useAdminWords();
  const [open, setOpen] = useState<T | typeof NEW | null>(null);
  const change: TableColumn<T> = {
    title: a.actions,
    cell: (row) => (
      <span className="row-acts">
        <button type="button" className="button" onClick={() => { setOpen(row); }}>
          {a.change}
        </button>
        {acts?.(row)}
      </span>
    ),
  };
  return (
    <>
      <div className="section-acts">
        <button type="button" className="button primary" onClick={() => { setOpen(NEW); }}>
          {a.add}
        </button>
      </div>
      {children}
      <Table label={label} list={list} idOf={(row) => row.id} nothing={a.nothing} columns={canChange ? [...columns, change] : columns} />
      {open !== null && form(open === NEW ? null : open, () => { setOpen(null); })}
    </>
  );
}
