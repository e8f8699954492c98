/** Which files of the build the viewers consist of. */
interface Chunk {
  file: string;
  imports?: string[];
  dynamicImports?: string[];
}

const VIEWERS = ['src/reading/index.tsx', 'src/ecg_viewer/index.tsx', 'src/image_viewer/index.tsx'];

/** The viewers' files, smallest viewer first; nothing when the build's manifest is not to be had. */
export async function viewerFiles(): Promise<string[]> {
  try {
    const response = await fetch('/manifest.json');
    if (!response.ok) return [];
    const manifest = (await response.json()) as Record<string, Chunk>;
    const files = new Set<string>();
    const add = (key: string): void => {
      const chunk = manifest[key];
      if (chunk === undefined || files.has(chunk.file)) return;
      files.add(chunk.file);
      for (const next of chunk.imports ?? []) add(next);
      // A viewer's own engine, but not the codecs, which are fetched only when met.
      for (const next of chunk.dynamicImports ?? []) if (key.includes('_viewer/') && next.startsWith('src/')) add(next);
    };
    for (const key of VIEWERS) add(key);
    return [...files];
  } catch {
    return [];
  }
}
