/**
 * Writes .gz beside every text asset of the build, so that the gateway sends ready-made bytes.
 *
 * No .br: browsers take it over HTTPS alone, it is a fifth smaller, and the wheel would be two megabytes larger.
 */
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

const DIST = new URL('dist/', import.meta.url).pathname;
const SMALLEST_BYTES = 1024;
const TEXT = new Set(['.js', '.css', '.html', '.svg', '.json', '.wasm']);
const toGzip = promisify(gzip);

for (const entry of await readdir(DIST, { recursive: true, withFileTypes: true })) {
  const path = join(entry.parentPath, entry.name);
  if (!entry.isFile() || !TEXT.has(extname(entry.name))) continue;
  const bytes = await readFile(path);
  if (bytes.length < SMALLEST_BYTES) continue;
  await writeFile(`${path}.gz`, await toGzip(bytes, { level: 9 }));
}
