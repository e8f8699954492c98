/**
 * Stands in for xmlbuilder2, which vtk.js imports for its XML writers and which needs Node's "events" module.
 * No DICOM path writes XML; should one ever try, it fails here with a sentence instead of at page load.
 */
export function create(): never {
  throw new Error('XML writing is not part of the image viewer.');
}

export const convert = create;
export const builder = create;
export const fragment = create;
