import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { cyclesIn, importsOf } from './import_cycles';

const SRC = new URL('../src/', import.meta.url).pathname;

it('has no circle of imports', () => {
  const names = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((name) => /\.tsx?$/u.test(name));
  const imports = importsOf(new Map(names.map((name) => [name, readFileSync(join(SRC, name), 'utf8')])));
  expect([...imports.values()].flat().length).toBeGreaterThan(100);
  expect(cyclesIn(imports)).toEqual([]);
});

it('finds a circle over several files and through an index, and lets types pass', () => {
  const imports = importsOf(
    new Map([
      ['a/index.ts', "import { b } from '../b';"],
      ['b.ts', "import {\n  c,\n} from './c';\nimport './b.css';"],
      ['c.tsx', "export { a } from './a';"],
      ['d.ts', "import type { E } from './e';"],
      ['e.ts', "import { d } from './d';"],
    ]),
  );
  expect(cyclesIn(imports)).toEqual([['a/index.ts', 'b.ts', 'c.tsx', 'a/index.ts']]);
});
