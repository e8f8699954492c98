/** What pages of figures share: what is asked for (by what, from which month to which), the other page, the file. */
import { type ReactNode, useState } from 'react';

import type { FiguresQuery } from '../api/quality';
import { Link } from '../app/router';
import { monthBefore } from '../model/months';
import { SelectField, TextField } from './field';
import './figures_frame.css';

const SHOWN_MONTHS = 6;

interface Words<Per extends string> {
  title: string;
  per: string;
  perNames: Record<Per, string>;
  from: string;
  to: string;
  csv: string;
}

interface Props<Per extends string> {
  words: Words<Per>;
  per: readonly Per[];
  asked: FiguresQuery;
  onAsk: (asked: FiguresQuery) => void;
  other: { href: string; word: string };
  csvUrl: string;
  testId: string;
  children: ReactNode;
}

/** The last half year, by the first of the choices. */
export function useFiguresQuery(per: string) {
  return useState<FiguresQuery>(() => {
    const now = new Date();
    const month = `${String(now.getFullYear())}-${String(now.getMonth() + 1).padStart(2, '0')}`;
    return { per, from: monthBefore(month, SHOWN_MONTHS - 1), to: month };
  });
}

export function FiguresFrame<Per extends string>({ words: w, per, asked, onAsk, other, csvUrl, testId, children }: Props<Per>) {
  const month = (name: 'from' | 'to') => (
    <TextField label={w[name]} type="month" value={asked[name]} onChange={(event) => { if (event.target.value !== '') onAsk({ ...asked, [name]: event.target.value }); }} data-testid={`figures-${name}`} />
  );
  return (
    <div className={`figures-frame ${testId}`} data-testid={testId}>
      <header>
        <h1>{w.title}</h1>
        <Link href={other.href}>{other.word}</Link>
        <SelectField label={w.per} value={asked.per} onChange={(event) => { onAsk({ ...asked, per: event.target.value }); }} data-testid="figures-per">
          {per.map((one) => <option key={one} value={one}>{w.perNames[one]}</option>)}
        </SelectField>
        {month('from')}
        {month('to')}
        <a className="button" href={csvUrl} download data-testid="figures-csv">{w.csv}</a>
      </header>
      {children}
    </div>
  );
}
