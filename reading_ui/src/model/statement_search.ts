/**
 * Finds sentences of the statement library by what a doctor types: the initials of their pinyin (dxxl → 窦性心律), or
 * any part of the words. Pure. Positions are UTF-16 offsets, as in a text area.
 */
import type { EcgStatementView } from '../api/types';

const LEAST_LETTERS = 2;
// Lower-case letters alone: QRS, PR and aVR stay what they are.
const CODE_AT_END = /(?<![A-Za-z0-9])[a-z]+$/;

/** The short code that stands right before the caret, if what stands there can be one. */
export function codeBefore(text: string, caret: number): { start: number; code: string } | null {
  const found = CODE_AT_END.exec(text.slice(0, caret));
  if (found === null || found[0].length < LEAST_LETTERS || /[A-Za-z0-9]/.test(text.charAt(caret))) return null;
  return { start: found.index, code: found[0] };
}

/** Sentences whose short code begins so; the whole code first, then the shorter ones. */
export function byCode(items: readonly EcgStatementView[], code: string, most: number): EcgStatementView[] {
  const found = items.filter((item) => item.short_code.startsWith(code));
  return [...found].sort((a, b) => a.short_code.length - b.short_code.length).slice(0, most);
}

/** Sentences of a group ("" is all) in which every typed word is found: by short code first, then anywhere in the words. */
export function search(items: readonly EcgStatementView[], typed: string, group: string): EcgStatementView[] {
  const inGroup = items.filter((item) => group === '' || item.group === group);
  const words = typed.toLowerCase().split(/\s+/).filter((word) => word !== '');
  if (words.length === 0) return inGroup;
  const codes = words.length === 1 ? byCode(inGroup, words[0] ?? '', inGroup.length) : [];
  const rest = inGroup.filter((item) => !codes.includes(item) && words.every((word) => [item.zh, item.en.toLowerCase(), item.code, item.short_code].some((part) => part.includes(word))));
  return [...codes, ...rest];
}

/** A sentence put after others gets a comma between, unless something already ends there. */
export function separated(text: string, at: number, words: string): string {
  const before = text.slice(0, at).trimEnd();
  const isOpen = before === '' || before.length < text.slice(0, at).length || /[,.;:、，。；：（(【\n]$/.test(before);
  return isOpen ? words : `，${words}`;
}
