/** Bands from whom to whom: heights and places of a flow picture, in its own units. Pure. */
export interface Flow {
  from: string;
  to: string;
  studies: number;
}

export interface Band extends Flow {
  /** Upper edges of the band at both ends, and its height. */
  y0: number;
  y1: number;
  height: number;
}

export interface Node {
  name: string;
  studies: number;
  y: number;
  height: number;
}

export interface FlowPicture {
  left: Node[];
  right: Node[];
  bands: Band[];
  height: number;
}

const GAP = 14;
const LEAST = 3;
const LABEL = 18;

/** `height` is what all studies together take; a node is never lower than its label. */
export function layOut(flows: Flow[], height: number): FlowPicture {
  const total = flows.reduce((sum, flow) => sum + flow.studies, 0);
  const scale = total === 0 ? 0 : height / total;
  const left = nodesOf(flows, (flow) => flow.from, scale);
  const right = nodesOf(flows, (flow) => flow.to, scale);
  const used = new Map<string, number>();
  const take = (side: string, node: Node | undefined, thick: number): number => {
    const key = `${side}-${node?.name ?? ''}`;
    const before = used.get(key) ?? 0;
    used.set(key, before + thick);
    return (node?.y ?? 0) + before;
  };
  const order = (nodes: Node[], name: string): number => nodes.findIndex((node) => node.name === name);
  const bands = [...flows]
    .sort((a, b) => order(left, a.from) - order(left, b.from) || order(right, a.to) - order(right, b.to))
    .map((flow): Band => {
      const thick = Math.max(LEAST, flow.studies * scale);
      return {
        ...flow,
        height: thick,
        y0: take('left', left.find((node) => node.name === flow.from), thick),
        y1: take('right', right.find((node) => node.name === flow.to), thick),
      };
    });
  const end = (nodes: Node[]): number => nodes.reduce((most, node) => Math.max(most, node.y + node.height), 0);
  return { left, right, bands, height: Math.max(end(left), end(right)) };
}

function nodesOf(flows: Flow[], nameOf: (flow: Flow) => string, scale: number): Node[] {
  const sums = new Map<string, { studies: number; thick: number }>();
  for (const flow of flows) {
    const old = sums.get(nameOf(flow)) ?? { studies: 0, thick: 0 };
    sums.set(nameOf(flow), { studies: old.studies + flow.studies, thick: old.thick + Math.max(LEAST, flow.studies * scale) });
  }
  let y = 0;
  return [...sums]
    .sort(([, a], [, b]) => b.studies - a.studies)
    .map(([name, { studies, thick }]) => {
      const node = { name, studies, y, height: Math.max(LABEL, thick) };
      y += node.height + GAP;
      return node;
    });
}
