/** A draft that is not in force yet, kept in this browser for the person who writes it. It holds rules, no patient. */
export interface KeptDraft {
  source: string;
  /** The version that the person started from; 0 when there was none. */
  base: number;
  /** ISO 8601 UTC. */
  at: string;
}

const key = (user: string): string => `reading-gateway.rules-draft.${user}`;

export function keptDraft(user: string, store: Pick<Storage, 'getItem'> = localStorage): KeptDraft | null {
  try {
    const found: unknown = JSON.parse(store.getItem(key(user)) ?? 'null');
    if (typeof found !== 'object' || found === null) return null;
    const { source, base, at } = found as Partial<KeptDraft>;
    return typeof source === 'string' && typeof base === 'number' && typeof at === 'string' ? { source, base, at } : null;
  } catch {
    return null;
  }
}

/** Keeps the draft, or forgets it. Returns whether the browser took it. */
export function keepDraft(user: string, draft: KeptDraft | null, store: Pick<Storage, 'setItem' | 'removeItem'> = localStorage): boolean {
  try {
    if (draft === null) store.removeItem(key(user));
    else store.setItem(key(user), JSON.stringify(draft));
    return true;
  } catch {
    return false;
  }
}
