/**
 * How large letters must be so that they are read across a room. Pure.
 *
 * ISO 9241-303 asks for characters of 16 minutes of arc at least and prefers 20 to 22. What must be read at the
 * distance is set at 20 minutes (site, priority, waiting time) or 16 (the rest), by the height of a capital or digit,
 * the lowest of what is written: a Chinese character of the same size is a quarter higher. The trace's pen is one
 * minute wide, the finest that good eyes see.
 */
export interface Screen {
  /** Diagonal of the screen that the page fills, 16:9. */
  inches: number;
  distanceM: number;
}

export interface Sizes {
  /** CSS pixels. */
  mainPx: number;
  smallPx: number;
  penPx: number;
  /** From how far the letters can be read: less than asked for where the cells are too small for them. */
  readableM: number;
}

export const MAIN_ARCMIN = 20;
export const SMALL_ARCMIN = 16;
const PEN_ARCMIN = 1;
/** Height of a digit or capital over the font size: Noto Sans and Source Han Sans. */
const CAPITAL = 0.733;
const WIDTH_OF_DIAGONAL = 16 / Math.hypot(16, 9);
/** A cell keeps most of its height for the trace, and fits "emergency, waiting, 1:05:09" on a line. */
const MOST_OF_HEIGHT = 0.15;
const MOST_OF_WIDTH = 0.1;

export function mmPerPx(screen: Screen, widthPx: number): number {
  return (screen.inches * 25.4 * WIDTH_OF_DIAGONAL) / widthPx;
}

/** Height of something seen under an angle. */
export function heightMm(distanceM: number, arcmin: number): number {
  return distanceM * 1000 * Math.tan(((arcmin / 60) * Math.PI) / 180);
}

/** Type for a page so wide, with cells so large, in CSS pixels. */
export function sizesOf(screen: Screen, widthPx: number, cell: { widthPx: number; heightPx: number }): Sizes {
  const scale = mmPerPx(screen, widthPx);
  const wanted = (arcmin: number) => heightMm(screen.distanceM, arcmin) / CAPITAL / scale;
  const mainPx = Math.min(wanted(MAIN_ARCMIN), cell.heightPx * MOST_OF_HEIGHT, cell.widthPx * MOST_OF_WIDTH);
  const share = mainPx / wanted(MAIN_ARCMIN);
  return {
    mainPx, smallPx: wanted(SMALL_ARCMIN) * share, penPx: Math.max(1, heightMm(screen.distanceM, PEN_ARCMIN) / scale),
    readableM: screen.distanceM * share,
  };
}
