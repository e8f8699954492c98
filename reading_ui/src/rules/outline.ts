/**
 * Where in a rule file a cursor stands, and what the file itself names: read by indentation alone, so that it also
 * works on a file that is just being typed and is no YAML yet.
 */

/** `path` holds keys and "[]" for an item of a list; `kind` says what a person would type here. */
export interface Spot {
  path: string[];
  kind: 'key' | 'value' | 'condition';
  /** The line from where the value or the condition begins up to the cursor. */
  before: string;
}

export interface Named {
  id: string;
  name: string;
  nameEn: string;
}

interface Part {
  column: number;
  /** null: the dash of a list's item. */
  key: string | null;
}

const KEY = /^("?)([A-Za-z_][\w-]*)\1:(?:\s|$)/u;

export function spotAt(text: string, offset: number): Spot {
  const lines = text.slice(0, offset).split('\n');
  const current = lines.pop() ?? '';
  const own = partsOf(current);
  const rest = current.slice(own.end);
  const path: Part[] = [...own.parts].reverse();
  let limit = own.parts[0]?.column ?? own.end;
  let isDash = own.parts[0]?.key === null;
  for (const line of lines.reverse()) {
    if (/^\s*(?:#.*)?$/u.test(line)) continue;
    for (const part of partsOf(line).parts.reverse()) {
      // The list of a key may stand as far left as the key itself.
      if (part.column < limit || (isDash && part.key !== null && part.column === limit)) {
        path.push(part);
        limit = part.column;
        isDash = part.key === null;
      }
    }
    if (limit === 0 && !isDash) break;
  }
  const names = path.reverse().map((part) => part.key ?? '[]');
  return named(names, own.parts.at(-1)?.key != null, rest);
}

function named(path: string[], hasKey: boolean, rest: string): Spot {
  if (path.at(-1) === '[]' && path.at(-2) === 'when') return { path, kind: 'condition', before: rest };
  if (hasKey && /^\s*\{/u.test(rest)) {
    // { group: imaging, pri|  written in one line
    const last = /[{,]\s*([^{,]*)$/u.exec(rest)?.[1] ?? '';
    const inner = /^([A-Za-z_][\w-]*):\s*(.*)$/u.exec(last);
    return inner ? { path: [...path, inner[1] ?? ''], kind: 'value', before: inner[2] ?? '' } : { path, kind: 'key', before: last };
  }
  if (hasKey && /^\s*\[/u.test(rest)) {
    const last = /[[,]\s*([^[,]*)$/u.exec(rest)?.[1] ?? '';
    return path.at(-1) === 'when' ? { path: [...path, '[]'], kind: 'condition', before: last } : { path: [...path, '[]'], kind: 'value', before: last };
  }
  if (hasKey) return { path, kind: 'value', before: rest.trimStart() };
  // A bare word below "members:" is a value; below anything else it is a key that has no colon yet.
  const isItem = path.at(-1) === '[]' && LISTS_OF_WORDS.has(path.at(-2) ?? '');
  return { path, kind: isItem ? 'value' : 'key', before: rest.trimStart() };
}

const LISTS_OF_WORDS = new Set(['members', 'head', 'tags', 'forwards', 'days']);

/** Dashes and the key of one line, each with its column from 0, and where what follows begins. */
function partsOf(line: string): { parts: Part[]; end: number } {
  const parts: Part[] = [];
  let at = line.length - line.trimStart().length;
  for (;;) {
    const dash = /^-(?:\s+|$)/u.exec(line.slice(at));
    if (!dash) break;
    parts.push({ column: at, key: null });
    at += dash[0].length;
  }
  const key = KEY.exec(line.slice(at));
  if (key) {
    parts.push({ column: at, key: key[2] ?? '' });
    at += key[0].length;
  }
  return { parts, end: at };
}

/** The duty groups that the file names, in its order. */
export function groupsOf(text: string): Named[] {
  const found: Named[] = [];
  let inside = false;
  let depth = -1;
  for (const line of text.split('\n')) {
    if (/^\s*(?:#.*)?$/u.test(line)) continue;
    const column = line.length - line.trimStart().length;
    if (column === 0) {
      inside = /^groups:/u.test(line);
      depth = -1;
      continue;
    }
    if (!inside) continue;
    if (depth < 0) depth = column;
    const key = /^\s*"?([a-z][a-z0-9-]*)"?:/u.exec(line)?.[1];
    if (column === depth && key !== undefined) {
      const inline = /[{,]\s*name:\s*([^,}]+)/u.exec(line)?.[1];
      found.push({ id: key, name: inline === undefined ? key : unquoted(inline), nameEn: '' });
    }
    const last = found.at(-1);
    const said = /^\s+(name|name_en):\s*(.+)$/u.exec(line);
    if (last !== undefined && column > depth && said) {
      if (said[1] === 'name') last.name = unquoted(said[2] ?? '');
      else last.nameEn = unquoted(said[2] ?? '');
    }
  }
  return found;
}

/** The calendars that the file names. */
export function calendarsOf(text: string): string[] {
  const block = /^calendars:[^\n]*\n((?:[ \t#][^\n]*\n?|\n)*)/mu.exec(text)?.[1] ?? '';
  const depth = /^( +)\S/mu.exec(block)?.[1]?.length ?? 0;
  return [...block.matchAll(/^( +)"?([\w-]+)"?:/gmu)].filter((found) => found[1]?.length === depth).map((found) => found[2] ?? '');
}

/** Tags that rules of the file already use, each once. */
export function tagsOf(text: string): string[] {
  const lists = text.matchAll(/^\s*(?:-\s+)?tags:\s*\[([^\]]*)\]/gmu);
  return [...new Set([...lists].flatMap((list) => (list[1] ?? '').split(',').map(unquoted)).filter((tag) => tag !== ''))];
}

function unquoted(text: string): string {
  const bare = text.replace(/\s+#.*$/u, '').trim();
  return /^(["']).*\1$/u.test(bare) ? bare.slice(1, -1) : bare;
}

/** The group that has what no rule sends anywhere; "" while the file does not say. */
export function fallbackOf(text: string): string {
  const found = /^fallback:\s*(?:\{[^}]*?|(?:#.*)?\n(?:\s*#.*\n|\s+(?!group:).*\n)*\s+)group:\s*"?([a-z][a-z0-9-]*)/mu.exec(text);
  return found?.[1] ?? '';
}
