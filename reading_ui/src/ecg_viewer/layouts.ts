/**
 * Which leads stand in which row. Pure words, no millimetres: geometry.ts lays the rows out.
 *
 * A layout has the twelve standard leads in its usual places; leads beyond them (V7–V9, V3R–V5R, Frank leads, names we
 * do not know) follow as further columns or rows, so that a record never loses a lead without the sheet naming it.
 */

export type LayoutName = '3x4' | '3x4+1' | '3x4+3' | '6x2' | '6x2+1' | '12x1' | 'strip' | 'overlay';
/** In the order of their keys, 1 to 8. */
export const LAYOUTS: readonly LayoutName[] = ['3x4+1', '3x4+3', '3x4', '6x2', '6x2+1', '12x1', 'strip', 'overlay'];

/** A lead in its place. */
export interface Slot {
  /** As written on the paper: "−aVR" where Cabrera turns a lead round. */
  label: string;
  /** Index into the record's leads; -1 where the record lacks it. */
  leadIndex: number;
  polarity: 1 | -1;
}

export interface Row {
  kind: 'leads' | 'rhythm' | 'strip' | 'overlay';
  /** Beside each other; in an overlay on top of each other. */
  slots: readonly Slot[];
}

export interface Arrangement {
  leadNames: readonly string[];
  layout: LayoutName;
  isCabrera: boolean;
  /** The lead of the long strip, if the reader has chosen one. */
  rhythm: string | null;
  /** The leads that lie on top of each other; empty means all. */
  overlay: readonly string[];
}

const LIMB_COLUMNS = [['I', 'II', 'III'], ['aVR', 'aVL', 'aVF']];
const CABRERA_COLUMNS = [['aVL', 'I', '-aVR'], ['II', 'aVF', 'III']];
const CHEST_COLUMNS = [['V1', 'V2', 'V3'], ['V4', 'V5', 'V6']];
const STANDARD = [...LIMB_COLUMNS, ...CHEST_COLUMNS].flat();
const FURTHER = ['V7', 'V8', 'V9', 'V3R', 'V4R', 'V5R', 'V6R'];
/** Six leads beyond the twelve fit into a sheet of columns; more are named as not shown. */
const FURTHER_IN_COLUMNS = 6;

/** The rows of a layout, from top to bottom. */
export function rowsOf({ leadNames, layout, isCabrera, rhythm, overlay }: Arrangement): Row[] {
  const slot = (name: string): Slot => slotOf(leadNames, name);
  const long = (name: string | undefined): Row[] => (name === undefined ? [] : [{ kind: 'rhythm', slots: [slot(name)] }]);
  if (layout === 'strip') return [{ kind: 'strip', slots: long(rhythmLead(leadNames, rhythm))[0]?.slots ?? [] }];
  if (layout === 'overlay') {
    const chosen = overlay.length === 0 ? leadNames : leadNames.filter((name) => overlay.includes(name));
    return [{ kind: 'overlay', slots: chosen.map((name) => slot(name)) }];
  }
  const ordered = orderedLeads(leadNames, isCabrera);
  if (layout === '12x1') return ordered.map((name) => ({ kind: 'leads', slots: [slot(name)] }));
  const limbs = isCabrera ? CABRERA_COLUMNS : LIMB_COLUMNS;
  const further = furtherLeads(leadNames).slice(0, FURTHER_IN_COLUMNS);
  const height = layout.startsWith('6x2') ? 6 : 3;
  const columns = [...chunks([...limbs, ...CHEST_COLUMNS].flat(), height), ...chunks(further, height)];
  const rows: Row[] = Array.from({ length: height }, (_, row) => ({
    kind: 'leads', slots: columns.map((column) => slot(column[row] ?? '')),
  }));
  if (layout === '3x4+3') return [...rows, ...threeRhythms(leadNames, rhythm).flatMap((name) => long(name))];
  return layout.endsWith('+1') ? [...rows, ...long(rhythmLead(leadNames, rhythm))] : rows;
}

/** The layouts that make sense for these leads: columns need most of the twelve. */
export function layoutsFor(leadNames: readonly string[]): LayoutName[] {
  if (standardCount(leadNames) >= 8) return [...LAYOUTS];
  return leadNames.length > 1 ? ['12x1', 'strip', 'overlay'] : ['12x1', 'strip'];
}

/** The layout that shows most of a record with these leads. */
export function bestLayout(leadNames: readonly string[]): LayoutName {
  return standardCount(leadNames) >= 8 ? '3x4+1' : '12x1';
}

/** The lead of the long strip: the chosen one, else II, else the first. */
export function rhythmLead(leadNames: readonly string[], chosen: string | null): string | undefined {
  for (const name of [chosen, 'II', 'MLII']) {
    const index = name === null ? -1 : indexOf(leadNames, name);
    if (index >= 0) return leadNames[index];
  }
  return leadNames[0];
}

/** Chest leads are those that some readers want at half gain. */
export function isChestLead(name: string): boolean {
  return /^v\d/i.test(name);
}

/** All leads of a record in the order of the paper. */
function orderedLeads(leadNames: readonly string[], isCabrera: boolean): string[] {
  const limbs = (isCabrera ? CABRERA_COLUMNS : LIMB_COLUMNS).flat();
  const standard = [...limbs, ...CHEST_COLUMNS.flat()].filter((name) => indexOf(leadNames, plain(name)) >= 0);
  return [...standard, ...furtherLeads(leadNames)];
}

function furtherLeads(leadNames: readonly string[]): string[] {
  const rest = leadNames.filter((name) => indexOf(STANDARD, name) < 0);
  const known = FURTHER.flatMap((name) => rest.filter((other) => same(name, other)));
  return [...known, ...rest.filter((name) => indexOf(FURTHER, name) < 0)];
}

/** II, V1 and V5 by custom; what the reader chose comes first. */
function threeRhythms(leadNames: readonly string[], chosen: string | null): string[] {
  const wanted = [rhythmLead(leadNames, chosen), 'V1', 'V5', 'II', ...leadNames];
  const found = wanted.flatMap((name) => (name === undefined ? [] : [leadNames[indexOf(leadNames, name)]]));
  return [...new Set(found.filter((name) => name !== undefined))].slice(0, 3);
}

function slotOf(leadNames: readonly string[], name: string): Slot {
  const isTurned = name.startsWith('-') && indexOf(leadNames, name) < 0;
  return isTurned
    ? { label: `−${plain(name)}`, leadIndex: indexOf(leadNames, plain(name)), polarity: -1 }
    : { label: name, leadIndex: indexOf(leadNames, name), polarity: 1 };
}

function standardCount(leadNames: readonly string[]): number {
  return STANDARD.filter((name) => indexOf(leadNames, name) >= 0).length;
}

function plain(name: string): string {
  return name.replace(/^-/, '');
}

function indexOf(leadNames: readonly string[], name: string): number {
  const exact = leadNames.indexOf(name);
  return exact >= 0 || name === '' ? exact : leadNames.findIndex((other) => same(other, name));
}

function same(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

function chunks(names: readonly string[], size: number): string[][] {
  return Array.from({ length: Math.ceil(names.length / size) }, (_, index) => names.slice(index * size, (index + 1) * size));
}
