/** A plain table for the administrator's lists; wide ones scroll inside their own frame. */
import type { ReactNode } from 'react';

import type { Resource } from '../app/resource';
import { Empty, Loading, ProblemNote } from '../parts/notes';

export interface TableColumn<T> {
  title: string;
  cell: (row: T) => ReactNode;
  isNumber?: boolean;
}

interface TableProps<T> {
  label: string;
  columns: TableColumn<T>[];
  list: Resource<T[]>;
  idOf: (row: T) => string;
  nothing: string;
}

export function Table<T>({ label, columns, list, idOf, nothing }: TableProps<T>) {
  if (list.data === null) return list.problem ? <ProblemNote problem={list.problem} onRetry={list.reload} /> : <Loading />;
  if (list.data.length === 0) return <Empty>{nothing}</Empty>;
  return (
    <>
      <ProblemNote problem={list.problem} onRetry={list.reload} />
      <div className="table-frame" role="region" aria-label={label} tabIndex={0}>
        <table className="table">
          <thead>
            <tr>
              {columns.map((column) => (
                <th key={column.title} scope="col" className={column.isNumber ? 'number' : undefined}>
                  {column.title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {list.data.map((row) => (
              <tr key={idOf(row)} data-testid="admin-row" data-id={idOf(row)}>
                {columns.map((column) => (
                  <td key={column.title} className={column.isNumber ? 'number' : undefined}>
                    {column.cell(row)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}
