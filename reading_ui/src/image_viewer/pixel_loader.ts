/**
 * What the viewer fetches by itself: metadata, frames of clips, saved measurements. Stills are fetched by Cornerstone.
 */
import { getJson, sendJson } from '../api/http';
import type { StudyView } from '../api/types';
import { type DicomJson, textOf } from './attributes';
import type { ImageRef } from './images';

/**
 * The stored pixels of a frame. The version is in every address: the browser and Cornerstone each take pictures of one
 * address for one and the same, and the second film under a UID must never be shown by the first.
 */
export function frameUrl(image: ImageRef): string {
  return `${image.path}?version=${encodeURIComponent(image.version)}`;
}

/** The picture that the server made ahead; shown until the stored pixels are in. */
export function previewUrl(image: ImageRef): string {
  return `${image.path}/rendered?viewport=1024,1024&version=${encodeURIComponent(image.version)}`;
}

export function thumbnailUrl(image: ImageRef): string {
  return `${image.path}/thumbnail?version=${encodeURIComponent(image.version)}`;
}

export function fileUrl(image: ImageRef): string {
  return image.path.slice(0, image.path.indexOf('/frames/'));
}

/** Metadata of a series by SOP Instance UID. */
export async function seriesMetadata(study: StudyView, seriesUid: string, signal: AbortSignal): Promise<Map<string, DicomJson>> {
  const url = `/dicom-web/studies/${study.study_instance_uid}/series/${seriesUid}/metadata`;
  const found = await getJson<DicomJson[]>(url, signal);
  return new Map(found.map((json) => [textOf(json, '00080018'), json]));
}

/** A measurement as it is saved: points in pixels of the stored image, so that it outlives any viewer. */
export interface SavedLength {
  id: string;
  kind: 'length';
  sop_instance_uid: string;
  frame: number;
  points: [number, number][]; // [column, row]
}

export interface SavedAnnotations {
  version: 1;
  measurements: SavedLength[];
}

const annotationsUrl = (studyId: string): string => `/api/studies/${encodeURIComponent(studyId)}/annotations`;

/** What this user saved on this study; anything we do not understand is left alone and taken as nothing. */
export async function loadAnnotations(studyId: string, signal: AbortSignal): Promise<SavedLength[]> {
  const found = await getJson<unknown>(annotationsUrl(studyId), signal);
  if (typeof found !== 'object' || found === null || !('measurements' in found) || !Array.isArray(found.measurements)) return [];
  return found.measurements.filter(isSavedLength);
}

export async function saveAnnotations(studyId: string, measurements: SavedLength[]): Promise<void> {
  const document: SavedAnnotations = { version: 1, measurements };
  await sendJson<unknown>('PUT', annotationsUrl(studyId), document);
}

function isSavedLength(value: unknown): value is SavedLength {
  const candidate = value as Partial<SavedLength> | null;
  return (
    typeof candidate === 'object' && candidate !== null && candidate.kind === 'length' && typeof candidate.id === 'string' &&
    typeof candidate.sop_instance_uid === 'string' && typeof candidate.frame === 'number' && Array.isArray(candidate.points) &&
    candidate.points.length === 2 && candidate.points.every((point) => Array.isArray(point) && point.every(Number.isFinite))
  );
}

/** A frame of a clip as the browser's own decoder takes it, or null where it is no JPEG of 8 bits. */
export async function clipFrame(image: ImageRef, signal: AbortSignal): Promise<Blob | null> {
  const answer = await fetch(frameUrl(image), { headers: { Accept: 'image/jpeg' }, signal });
  if (answer.status === 406) return null;
  if (!answer.ok) throw new Error(`frame ${String(image.frame)}: ${String(answer.status)}`);
  const isBaseline = (answer.headers.get('Content-Type') ?? '').includes('1.2.840.10008.1.2.4.50');
  return isBaseline ? answer.blob() : null;
}
