/** Who would give studies to whom: bands as wide as their number, and a table that says the same to everybody. */
import { useState } from 'react';

import type { SimulatedMove } from '../api/types';
import { Link } from '../app/router';
import { useFormat } from '../words';
import { layOut } from './flow_layout';
import { groupName, readerName, type Speaking, valueLabel } from './sentences';
import { useRulesWords } from './use_words';

const WIDTH = 760;
const SIDE = 210;
const BAND_PX = 40;
const MOST_PX = 240;
const MOST = 12;

export function Flows({ moves, on }: { moves: SimulatedMove[]; on: Speaking }) {
  const w = useRulesWords();
  const [open, setOpen] = useState<number | null>(null);
  if (moves.length === 0) return <p data-testid="sim-no-moves">{w.movesNone}</p>;
  const said = (group: string, reader: string | null): string => (reader === null ? groupName(group, on) : `${groupName(group, on)} · ${readerName(reader, on)}`);
  const flows = moves.map((move) => ({ from: said(move.from_group, move.from_reader), to: said(move.to_group, move.to_reader), studies: move.studies }));
  const picture = layOut(flows.slice(0, MOST), Math.min(MOST_PX, BAND_PX * flows.length));
  return (
    <>
      <svg className="flows" viewBox={`0 0 ${String(WIDTH)} ${String(picture.height)}`} role="img" aria-label={w.movesHint} data-testid="sim-flows">
        {picture.bands.map((band) => (
          <path key={`${band.from}-${band.to}`} className={`flow${open !== null && flows[open]?.from === band.from && flows[open].to === band.to ? ' flow-open' : ''}`} d={bandPath(band.y0, band.y1, band.height)} data-testid="flow">
            <title>{`${band.from} → ${band.to}: ${String(band.studies)}`}</title>
          </path>
        ))}
        {picture.left.map((node) => (
          <g key={node.name}>
            <rect x={SIDE - 4} y={node.y} width={4} height={node.height} className="flow-node" />
            <text x={SIDE - 12} y={node.y + node.height / 2} textAnchor="end" dominantBaseline="central">
              {cut(node.name)} <tspan className="flow-count">{node.studies}</tspan>
            </text>
          </g>
        ))}
        {picture.right.map((node) => (
          <g key={node.name}>
            <rect x={WIDTH - SIDE} y={node.y} width={4} height={node.height} className="flow-node" />
            <text x={WIDTH - SIDE + 12} y={node.y + node.height / 2} dominantBaseline="central">
              <tspan className="flow-count">{node.studies}</tspan> {cut(node.name)}
            </text>
          </g>
        ))}
      </svg>
      <div className="table-frame">
        <table className="table">
          <thead>
            <tr>
              <th>{w.fromWhom}</th>
              <th>{w.toWhom}</th>
              <th className="number">{w.count}</th>
              <th aria-label={w.examples} />
            </tr>
          </thead>
          <tbody>
            {flows.map((flow, at) => (
              <tr key={`${flow.from}-${flow.to}`} data-testid="sim-move">
                <td>{flow.from}</td>
                <td>{flow.to}</td>
                <td className="number">{flow.studies}</td>
                <td>
                  <button type="button" className="button bare" aria-expanded={open === at} onClick={() => { setOpen(open === at ? null : at); }}>
                    {w.examples}
                  </button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {open !== null && moves[open] !== undefined && (
        <Examples title={w.examplesOf(flows[open]?.from ?? '', flows[open]?.to ?? '')} examples={moves[open].examples} on={on} />
      )}
    </>
  );
}

export function Examples({ title, examples, on }: { title: string; examples: SimulatedMove['examples']; on: Speaking }) {
  const w = useRulesWords();
  const format = useFormat();
  return (
    <details open className="sim-examples">
      <summary>{title}</summary>
      <ul>
        {examples.map((one) => (
          <li key={one.study_id}>
            <Link href={`/admin/rules?view=try&study=${encodeURIComponent(one.study_id)}`} data-testid="sim-example">
              {format.dateTime(one.at)} · {valueLabel('study.modality', one.modality, on)} · {valueLabel('site.id', one.site_id, on)}
            </Link>
            {one.rule !== '' && <span className="secondary"> {w.byRule} “{one.rule}”</span>}
          </li>
        ))}
      </ul>
    </details>
  );
}

function bandPath(y0: number, y1: number, height: number): string {
  const [a, b, middle] = [SIDE, WIDTH - SIDE, WIDTH / 2].map(String) as [string, string, string];
  const at = (y: number): string => y.toFixed(1);
  return `M${a} ${at(y0)} C${middle} ${at(y0)} ${middle} ${at(y1)} ${b} ${at(y1)} V${at(y1 + height)} C${middle} ${at(y1 + height)} ${middle} ${at(y0 + height)} ${a} ${at(y0 + height)} Z`;
}

function cut(name: string): string {
  return name.length > 18 ? `${name.slice(0, 17)}…` : name;
}
