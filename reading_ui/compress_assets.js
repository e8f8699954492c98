/**
 * Writes .gz and .br beside every text asset of the build, so that the gateway sends ready-made bytes.
 */
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

const DIST = new URL('dist/', import.meta.url).pathname;
const SMALLEST_BYTES = 1024;
const TEXT = new Set(['.js', '.css', '.html', '.svg', '.json', '.wasm']);
const toGzip = promisify(gzip);
const toBrotli = promisify(brotliCompress);

for (const entry of await readdir(DIST, { recursive: true, withFileTypes: true })) {
  const path = join(entry.parentPath, entry.name);
  if (!entry.isFile() || !TEXT.has(extname(entry.name))) continue;
  const bytes = await readFile(path);
  if (bytes.length < SMALLEST_BYTES) continue;
  await writeFile(`${path}.gz`, await toGzip(bytes, { level: 9 }));
  const params = { [constants.BROTLI_PARAM_QUALITY]: 10, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  await writeFile(`${path}.br`, await toBrotli(bytes, { params }));
}
