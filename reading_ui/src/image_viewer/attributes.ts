/**
 * Read values from DICOM JSON (PS3.18 Annex F). The server has already decoded all text.
 */
export interface DicomElement {
  vr: string;
  Value?: unknown[];
  BulkDataURI?: string;
  InlineBinary?: string;
}

export type DicomJson = Record<string, DicomElement | undefined>;

export function numbersOf(json: DicomJson, tag: string): number[] {
  const values = json[tag]?.Value ?? [];
  return values.map(Number).filter((value) => Number.isFinite(value));
}

export function numberOf(json: DicomJson, tag: string): number | null {
  return numbersOf(json, tag)[0] ?? null;
}

export function textOf(json: DicomJson, tag: string): string {
  const value = json[tag]?.Value?.[0];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

export function textsOf(json: DicomJson, tag: string): string[] {
  return (json[tag]?.Value ?? []).map((value) => (value === null ? '' : String(value)));
}

export function itemsOf(json: DicomJson, tag: string): DicomJson[] {
  return (json[tag]?.Value ?? []).filter((item): item is DicomJson => typeof item === 'object' && item !== null);
}

/** The macro of an enhanced multi-frame object: of the frame (from 0), else shared (PS3.3 C.7.6.16). */
export function functionalGroup(json: DicomJson, frame: number, tag: string): DicomJson | null {
  const own = itemsOf(json, '52009230')[frame];
  const shared = itemsOf(json, '52009229')[0];
  for (const group of [own, shared]) {
    const found = group === undefined ? undefined : itemsOf(group, tag)[0];
    if (found !== undefined) return found;
  }
  return null;
}
