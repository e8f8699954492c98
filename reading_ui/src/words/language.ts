/**
 * Which language the screen speaks: Chinese unless the person has chosen English in this browser.
 */
import { useSyncExternalStore } from 'react';

export type Language = 'zh' | 'en';

/** A room's words in both languages: `export const zh = {…}; export const en: typeof zh = {…};`. */
export interface RoomWords<T> {
  zh: T;
  en: T;
}

const KEY = 'reading-gateway.language';
const listeners = new Set<() => void>();
let current: Language = stored();

export function language(): Language {
  return current;
}

export function setLanguage(next: Language): void {
  current = next;
  try {
    localStorage.setItem(KEY, next);
  } catch {
    // A browser that keeps nothing still speaks the language for this visit.
  }
  markDocument();
  for (const tell of listeners) tell();
}

/** Sets the document's language, which fonts, line breaking and screen readers follow. */
export function markDocument(): void {
  document.documentElement.lang = locale(current);
}

export function locale(of: Language = current): string {
  return of === 'zh' ? 'zh-CN' : 'en-GB';
}

/** The current language; the component draws itself anew when it changes. */
export function useLanguage(): Language {
  return useSyncExternalStore(subscribe, language, () => 'zh');
}

/** One room's words in the current language: `const w = useRoomWords(words)` with `import * as words from './words'`. */
export function useRoomWords<T>(words: RoomWords<T>): T {
  return words[useLanguage()];
}

function subscribe(tell: () => void): () => void {
  listeners.add(tell);
  return () => listeners.delete(tell);
}

function stored(): Language {
  try {
    return localStorage.getItem(KEY) === 'en' ? 'en' : 'zh';
  } catch {
    return 'zh';
  }
}
