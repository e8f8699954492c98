/**
 * The images of a study in the order in which they are read: one entry for each frame, one stack for each series.
 */
import type { InstanceView, SeriesView, StudyView } from '../api/types';
import { type DicomJson, functionalGroup, numberOf, numbersOf, textOf } from './attributes';

/** One frame that can be shown. `frame` counts from 1, as in DICOM. */
export interface ImageRef {
  seriesUid: string;
  sopUid: string;
  frame: number;
  /** Path of the frame below the server's root. */
  path: string;
  /** Says which bytes are meant: an object may take another one's place under the same UID. */
  version: string;
}

export interface Stack {
  series: SeriesView;
  images: ImageRef[];
  /** Another one for other pictures, however alike their names are. */
  key: string;
  /** A clip: many frames of one object, played rather than scrolled. */
  isClip: boolean;
}

const STACK_FROM = 8;

/** Stacks of a study; series without pictures are left out, a clip is a stack of its own. */
export function stacksOf(study: StudyView): Stack[] {
  return study.series.flatMap((series) => {
    const shown = series.instances.filter(isImage).sort((a, b) => (a.number ?? 0) - (b.number ?? 0));
    const clips = shown.filter((instance) => instance.frame_count > 1 && CLIP_MODALITIES.has(series.modality));
    const rest = shown.filter((instance) => !clips.includes(instance));
    const still = rest.flatMap((instance) => framesOf(study, series, instance));
    return [
      ...(still.length > 0 ? [stackOf(series, still, false)] : []),
      ...clips.map((instance) => stackOf(series, framesOf(study, series, instance), true)),
    ];
  });
}

function stackOf(series: SeriesView, images: ImageRef[], isClip: boolean): Stack {
  const [first] = images;
  return { series, images, isClip, key: `${series.id}-${first?.sopUid ?? ''}-${first?.version ?? ''}` };
}

const CLIP_MODALITIES = new Set(['US', 'IVUS', 'XA', 'RF', 'ES', 'OP', 'XC', 'GM']);

function isImage(instance: InstanceView): boolean {
  return instance.format === 'dicom' && (instance.rows ?? 0) > 0 && (instance.columns ?? 0) > 0;
}

function framesOf(study: StudyView, series: SeriesView, instance: InstanceView): ImageRef[] {
  const path = `/dicom-web/studies/${study.study_instance_uid}/series/${series.series_instance_uid}/instances/${instance.sop_instance_uid}`;
  return Array.from({ length: Math.max(1, instance.frame_count) }, (_, index) => ({
    seriesUid: series.series_instance_uid,
    sopUid: instance.sop_instance_uid,
    frame: index + 1,
    path: `${path}/frames/${String(index + 1)}`,
    version: instance.version,
  }));
}

/** Where a stack opens: a few images at the first, a long stack in its middle, whose preview the server has ready. */
export function firstIndex(count: number): number {
  return count < STACK_FROM ? 0 : Math.floor(count / 2);
}

/** Sort by position along the scan axis where every image has one, else keep the order of the instance numbers. */
export function inScanOrder(images: readonly ImageRef[], metadata: ReadonlyMap<string, DicomJson>): ImageRef[] {
  const positions = images.map((image) => positionAlongNormal(metadata.get(image.sopUid), image.frame - 1));
  if (positions.some((position) => position === null) || new Set(positions).size !== positions.length) return [...images];
  const numbered = images.map((image, index) => ({ image, position: positions[index] ?? 0 }));
  // Keep the direction in which the device numbered them: the reader expects image 1 first.
  const first = numbered[0];
  const last = numbered[numbered.length - 1];
  const sign = first !== undefined && last !== undefined && first.position > last.position ? -1 : 1;
  return numbered.sort((a, b) => sign * (a.position - b.position)).map((entry) => entry.image);
}

function positionAlongNormal(json: DicomJson | undefined, frame: number): number | null {
  if (json === undefined) return null;
  const position = numbersOf(functionalGroup(json, frame, '00209113') ?? json, '00200032');
  const axes = numbersOf(functionalGroup(json, frame, '00209116') ?? json, '00200037');
  const [ax = 0, ay = 0, az = 0, bx = 0, by = 0, bz = 0] = axes;
  const [x = 0, y = 0, z = 0] = position;
  if (axes.length !== 6 || position.length !== 3) return null;
  return x * (ay * bz - az * by) + y * (az * bx - ax * bz) + z * (ax * by - ay * bx);
}

/** What a picture's block says of its quality; the data set's own word on lossy compression is respected (E2). */
export interface Quality {
  isLossy: boolean;
  ratio: number | null;
  method: string;
}

const LOSSY_SYNTAXES: Record<string, string> = {
  '1.2.840.10008.1.2.4.50': 'JPEG',
  '1.2.840.10008.1.2.4.51': 'JPEG',
  '1.2.840.10008.1.2.4.81': 'JPEG-LS',
  '1.2.840.10008.1.2.4.91': 'JPEG 2000',
  '1.2.840.10008.1.2.4.203': 'HTJ2K',
};

export function qualityOf(json: DicomJson): Quality {
  const method = LOSSY_SYNTAXES[textOf(json, '00083002')];
  const isDeclared = textOf(json, '00282110') === '01';
  return {
    // A reversible JPEG 2000 may stand under the lossy syntax; the data set then says "00".
    isLossy: isDeclared || (method !== undefined && textOf(json, '00282110') !== '00'),
    ratio: numberOf(json, '00282112'),
    method: textOf(json, '00282114') || (method ?? ''),
  };
}
