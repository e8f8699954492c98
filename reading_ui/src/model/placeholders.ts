/**
 * 【】 in a template must be filled or removed before signing (F7). Positions are UTF-16 offsets, as in a text area.
 */
import { CONFIRMED, UNCONFIRMED } from '../words/report_marks';

export interface Placeholder {
  start: number;
  end: number;
}

// The same rule as the gateway's sign-time check: an opening bracket that is never closed counts too.
const PATTERN = /【[^】]*】?/gu;

export function placeholdersIn(text: string): Placeholder[] {
  return Array.from(text.matchAll(PATTERN), (match) => ({ start: match.index, end: match.index + match[0].length }));
}

/** The first placeholder at or after the caret, else the first of all. */
export function nextPlaceholder(text: string, caret: number): Placeholder | null {
  const all = placeholdersIn(text);
  return all.find((one) => one.start >= caret) ?? all[0] ?? null;
}

/** Numbers that the gateway measured, waiting for a person's act (K2). */
export function unconfirmedIn(text: string): Placeholder[] {
  return placeholdersIn(text).filter(({ start, end }) => text.slice(start, end).endsWith(`${UNCONFIRMED}】`));
}

/** Confirms the one number that the selection lies in; null if it lies in none. */
export function confirmedAt(text: string, start: number, end: number): { text: string; caret: number } | null {
  const found = unconfirmedIn(text).find((one) => one.start <= start && end <= one.end);
  if (found === undefined) return null;
  const words = ` ${text.slice(found.start + 1, found.end - 1).replace(UNCONFIRMED, CONFIRMED)}`;
  return inserted(text, words, found.start, found.end);
}

export interface Piece {
  text: string;
  isPlaceholder: boolean;
}

/** The text cut into plain and placeholder pieces, in order; joined they are the text again. */
export function piecesOf(text: string): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  for (const { start, end } of placeholdersIn(text)) {
    if (start > from) pieces.push({ text: text.slice(from, start), isPlaceholder: false });
    pieces.push({ text: text.slice(start, end), isPlaceholder: true });
    from = end;
  }
  if (from < text.length) pieces.push({ text: text.slice(from), isPlaceholder: false });
  return pieces;
}

/** Puts words in at the caret or over the selection; returns the text and where the caret stands then. */
export function inserted(text: string, words: string, start: number, end: number): { text: string; caret: number } {
  return { text: text.slice(0, start) + words + text.slice(end), caret: start + words.length };
}
