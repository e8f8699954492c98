/**
 * Finds circles of imports. Our own few lines: the plugins that do this bring a resolver with native parts for two
 * dozen platforms, which a lock without download addresses cannot pin on every mirror. Types alone make no circle.
 */
import { dirname, join, normalize } from 'node:path';

export type Sources = ReadonlyMap<string, string>;

const IMPORT = /^(?:import|export)\s(?!type\s)(?:[^'"]*?\sfrom\s)?['"](\.[^'"]+)['"]/gmu;
const ENDINGS = ['', '.ts', '.tsx', '/index.ts', '/index.tsx'];

/** What each file imports at load time, by path; imports of what is no source (CSS) are left out. */
export function importsOf(sources: Sources): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const [path, text] of sources) {
    const targets = Array.from(text.matchAll(IMPORT), (match) => normalize(join(dirname(path), match[1] ?? '')));
    found.set(path, targets.flatMap((target) => ENDINGS.map((ending) => target + ending).filter((name) => sources.has(name)).slice(0, 1)));
  }
  return found;
}

/** The first circle met from each file, as the way around; empty when there is none. */
export function cyclesIn(imports: ReadonlyMap<string, readonly string[]>): string[][] {
  const cycles: string[][] = [];
  const done = new Set<string>();
  const visit = (file: string, way: string[]): void => {
    const at = way.indexOf(file);
    if (at >= 0) {
      cycles.push([...way.slice(at), file]);
      return;
    }
    if (done.has(file)) return;
    for (const next of imports.get(file) ?? []) visit(next, [...way, file]);
    done.add(file);
  };
  for (const file of imports.keys()) visit(file, []);
  return cycles;
}
