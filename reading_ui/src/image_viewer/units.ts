/**
 * What a pixel is worth in millimetres, and how we know. A length is right, or it is given in pixels: never a wrong
 * millimetre (design, promise 6). PS3.3 10.7 (pixel spacing), C.8.11 (imager pixel spacing), C.8.5.5 (ultrasound regions).
 */
import { type DicomJson, functionalGroup, itemsOf, numberOf, numbersOf, textOf } from './attributes';

/**
 * patient: spacing in the patient's own plane (CT, MR). detector: on the detector's plane, larger than the body by the
 * magnification. corrected: detector spacing divided by the magnification that the device states. calibrated: measured on
 * an object of known size. region: an ultrasound region. unknown: no spacing, or one that cannot be trusted.
 */
export type SpacingKind = 'patient' | 'detector' | 'corrected' | 'calibrated' | 'region' | 'unknown';

export interface Spacing {
  kind: SpacingKind;
  /** Distance between the centres of neighbouring rows and of neighbouring columns; 1 where unknown. */
  row_mm: number;
  column_mm: number;
}

/** A point in an image: column to the right, row down, in pixels; the centre of the first pixel is (0, 0). */
export interface PixelPoint {
  column: number;
  row: number;
}

export interface Length {
  kind: SpacingKind;
  /** null where there is no trustworthy spacing. */
  mm: number | null;
  px: number;
}

const PROJECTION = new Set(['DX', 'CR', 'MG', 'RF', 'XA', 'IO', 'PX', 'RG', 'DR']);
const CROSS_SECTION = new Set(['CT', 'MR', 'PT', 'NM']);
const UNKNOWN: Spacing = { kind: 'unknown', row_mm: 1, column_mm: 1 };
const CENTIMETRES = 3;
const TISSUE = new Set([1, 2]); // 2D tissue and colour flow: both axes are distances

/** The spacing of a whole image (`frame` from 0), without the regions of ultrasound. */
export function spacingOf(json: DicomJson, frame = 0): Spacing {
  const modality = textOf(json, '00080060');
  const measures = functionalGroup(json, frame, '00289110');
  const pixel = pair(measures ?? json, '00280030');
  const imager = pair(json, '00181164');
  if (PROJECTION.has(modality)) return projection(json, pixel, imager);
  if (pixel === null) return UNKNOWN;
  const hasPlane = numbersOf(functionalGroup(json, frame, '00209116') ?? json, '00200037').length === 6;
  if (CROSS_SECTION.has(modality) || hasPlane) return { kind: 'patient', ...pixel };
  // Secondary captures, photographs: the standard allows the element, but only a stated calibration makes it true.
  return textOf(json, '00280402') !== '' || textOf(json, '00280A04') !== '' ? { kind: 'calibrated', ...pixel } : UNKNOWN;
}

function projection(json: DicomJson, pixel: Pair | null, imager: Pair | null): Spacing {
  const calibration = textOf(json, '00280402');
  if (pixel !== null && imager !== null && !isSame(pixel, imager)) {
    return { kind: calibration === 'GEOMETRY' ? 'corrected' : 'calibrated', ...pixel };
  }
  if (pixel !== null && calibration !== '') {
    return { kind: calibration === 'GEOMETRY' ? 'corrected' : 'calibrated', ...pixel };
  }
  const known = imager ?? pixel;
  return known === null ? UNKNOWN : { kind: 'detector', ...known };
}

/** The length between two points of an image, with how it is known. */
export function lengthBetween(json: DicomJson, frame: number, a: PixelPoint, b: PixelPoint): Length {
  const px = Math.hypot(b.column - a.column, b.row - a.row);
  if (itemsOf(json, '00186011').length > 0) {
    const region = regionOf(json, a, b);
    return region === null ? { kind: 'unknown', mm: null, px } : { kind: 'region', mm: distance(region, a, b), px };
  }
  const spacing = spacingOf(json, frame);
  return spacing.kind === 'unknown' ? { kind: 'unknown', mm: null, px } : { kind: spacing.kind, mm: distance(spacing, a, b), px };
}

/** The one ultrasound region that holds both points and measures centimetres along both axes, or null. */
function regionOf(json: DicomJson, a: PixelPoint, b: PixelPoint): Spacing | null {
  const holding = itemsOf(json, '00186011').filter((region) => holds(region, a) && holds(region, b));
  const region = holding[0];
  if (region === undefined || holding.length !== 1) return null; // regions that overlap contradict each other
  const row_cm = Math.abs(numberOf(region, '0018602E') ?? 0);
  const column_cm = Math.abs(numberOf(region, '0018602C') ?? 0);
  const isLength = numberOf(region, '00186024') === CENTIMETRES && numberOf(region, '00186026') === CENTIMETRES;
  if (!isLength || !TISSUE.has(numberOf(region, '00186014') ?? 0) || row_cm <= 0 || column_cm <= 0) return null;
  return { kind: 'region', row_mm: row_cm * 10, column_mm: column_cm * 10 };
}

function holds(region: DicomJson, point: PixelPoint): boolean {
  const [left, top, right, bottom] = ['00186018', '0018601A', '0018601C', '0018601E'].map((tag) => numberOf(region, tag));
  if (left == null || top == null || right == null || bottom == null) return false;
  return point.column >= left && point.column <= right && point.row >= top && point.row <= bottom;
}

function distance(spacing: Spacing, a: PixelPoint, b: PixelPoint): number {
  return Math.hypot((b.column - a.column) * spacing.column_mm, (b.row - a.row) * spacing.row_mm);
}

interface Pair {
  row_mm: number;
  column_mm: number;
}

/** Row spacing comes first in both elements (PS3.3 10.7.1.3). */
function pair(json: DicomJson, tag: string): Pair | null {
  const [row_mm, column_mm] = numbersOf(json, tag);
  return row_mm !== undefined && column_mm !== undefined && row_mm > 0 && column_mm > 0 ? { row_mm, column_mm } : null;
}

function isSame(a: Pair, b: Pair): boolean {
  return Math.abs(a.row_mm - b.row_mm) < 1e-6 && Math.abs(a.column_mm - b.column_mm) < 1e-6;
}
