/**
 * The ECG on paper: A4 landscape in exact millimetres, drawn as paths. It exists only while the browser prints, whether
 * by our key or by the browser's own; "save as PDF" in the same dialog makes the file.
 */
import { useEffect, useState } from 'react';
import { createPortal, flushSync } from 'react-dom';

import { useRoomWords } from '../words/language';
import { labelOf, type Sheet, type SheetRequest } from './geometry';
import { columnPath, GRID_BOX, gridPath, HEAD_MM, MARGIN_MM, PAGE_HEIGHT_MM, PAGE_WIDTH_MM, printPages, pulsePath, segmentPath } from './print_pages';
import { wrap } from './print_words';
import type { Source } from './sources';
import * as words from './words';

export interface PrintedText {
  /** Hospital or clinic. */
  place: string;
  person: string;
  /** Times and device. */
  recording: string;
  /** Each with its source. */
  measurements: readonly string[];
  /** Speed, gain, filters. */
  scale: readonly string[];
  /** What a reader must know of the picture. */
  notes: readonly string[];
}

interface PrintViewProps {
  request: SheetRequest;
  sources: readonly Source[];
  text: PrintedText;
}

export function PrintView(props: PrintViewProps) {
  const isPrinting = usePrinting();
  return isPrinting ? createPortal(<div className="ecg-print" data-testid="ecg-print"><Pages {...props} /></div>, document.body) : null;
}

function Pages({ request, sources, text }: PrintViewProps) {
  const pages = printPages(request);
  return pages.map((sheet, index) => (
    <Page key={index} sheet={sheet} sources={sources} text={text} number={index + 1} count={pages.length} />
  ));
}

function Page({ sheet, sources, text, number, count }: { sheet: Sheet; sources: readonly Source[]; text: PrintedText; number: number; count: number }) {
  const w = useRoomWords(words);
  const { xMm, yMm, widthMm, heightMm } = GRID_BOX;
  const bottom = yMm + heightMm;
  return (
    <svg className="ecg-print-page" data-testid="ecg-print-page" width={`${String(PAGE_WIDTH_MM)}mm`} height={`${String(PAGE_HEIGHT_MM)}mm`}
      viewBox={`0 0 ${String(PAGE_WIDTH_MM)} ${String(PAGE_HEIGHT_MM)}`}>
      <text x={MARGIN_MM} y={MARGIN_MM + 4} fontSize={4} fontWeight={600}>{text.place}</text>
      <text x={PAGE_WIDTH_MM - MARGIN_MM} y={MARGIN_MM + 4} fontSize={3} textAnchor="end">{w.pageOf(number, count)}</text>
      <text x={MARGIN_MM} y={MARGIN_MM + 10.5} fontSize={5} fontWeight={600}>{text.person}</text>
      <Lines parts={[text.recording]} topMm={MARGIN_MM + 15.5} sizeMm={3} rows={1} />
      <Lines parts={text.measurements} topMm={MARGIN_MM + 20} sizeMm={3} rows={Math.floor((HEAD_MM - 20) / 4)} />
      <g transform={`translate(${String(xMm)} ${String(yMm)})`}>
        <path className="ecg-print-fine" d={gridPath(widthMm, heightMm, 1)} />
        <path className="ecg-print-heavy" d={gridPath(widthMm, heightMm, 5)} />
        {sheet.pulses.map((pulse) => <path key={pulse.baselineMm} className="ecg-print-trace" d={pulsePath(pulse)} />)}
        <path className="ecg-print-trace" d={columnPath(sheet)} />
        {sheet.segments.map((segment, index) => {
          const source = sources[segment.source];
          return source && <path key={index} className={`ecg-print-trace ecg-line-${String(segment.ink)}`} d={segmentPath(segment, sheet, source)} data-lead={segment.name} />;
        })}
        {sheet.segments.map((segment, index) => (
          <text key={index} className={`ecg-ink-${String(segment.ink)}`} x={segment.labelXMm} y={Math.max(3.5, segment.labelYMm)} fontSize={3.4} fontWeight={600}>
            {labelOf(segment, sheet)}
          </text>
        ))}
      </g>
      <Lines parts={text.scale} topMm={bottom + 4} sizeMm={3} rows={1} />
      <Lines parts={text.notes} topMm={bottom + 8} sizeMm={2.6} rows={2} />
    </svg>
  );
}

function Lines({ parts, topMm, sizeMm, rows }: { parts: readonly string[]; topMm: number; sizeMm: number; rows: number }) {
  return wrap(parts, GRID_BOX.widthMm, sizeMm).slice(0, rows).map((line, index) => (
    <text key={line} x={MARGIN_MM} y={topMm + index * sizeMm * 1.35} fontSize={sizeMm}>{line}</text>
  ));
}

/** True from "about to print" to "has printed"; the pages must stand in the document before the browser looks. */
function usePrinting(): boolean {
  const [isPrinting, setPrinting] = useState(false);
  useEffect(() => {
    const begin = () => { flushSync(() => { setPrinting(true); }); };
    const end = () => { setPrinting(false); };
    window.addEventListener('beforeprint', begin);
    window.addEventListener('afterprint', end);
    return () => {
      window.removeEventListener('beforeprint', begin);
      window.removeEventListener('afterprint', end);
    };
  }, []);
  return isPrinting;
}
