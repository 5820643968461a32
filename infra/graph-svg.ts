import type { GraphEdge, GraphNode, StackGraph } from './stack-graph.ts';

/** Sizes in pixels. */
const box = { width: 250, lineHeight: 16, headHeight: 34, padding: 12 };
const columnGap = 220;
const rowGap = 48;
const margin = 32;

/**
 * Left to right: who sends, what receives, what works, what it needs. What is not named stands at
 * the right.
 */
const columns: readonly (readonly string[])[] = [
  ['Adobe Experience Platform'],
  ['aep', 'stream', 'stream-archive', 'network'],
  ['handler'],
];
const columnOf = (name: string): number => {
  const found = columns.findIndex((names) => names.includes(name));
  return found === -1 ? columns.length : found;
};

interface Placed extends GraphNode {
  readonly x: number;
  readonly y: number;
  readonly height: number;
  readonly column: number;
}

/** Draws who may talk to whom. The same graph gives the same picture. */
export function graphSvg({ nodes, edges }: StackGraph, title: string): string {
  const placed = place(nodes);
  const byName = new Map(placed.map((node) => [node.name, node]));
  const width = Math.max(...placed.map(({ x }) => x)) + box.width + margin + 150;
  const height = Math.max(...placed.map((node) => node.y + node.height)) + margin;
  const routes = edges.map((edge) => {
    const [from, to] = [byName.get(edge.from), byName.get(edge.to)];
    if (from === undefined || to === undefined) {
      throw new Error(`Failed to draw the stack: ${edge.from} or ${edge.to} is not among its nodes.`);
    }
    return { edge, from, to };
  });
  const lines = routes.map((route) => drawEdge(route, routes, placed));
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="Helvetica, Arial, sans-serif">
<title>${escaped(title)}</title>
<defs><marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0 10 5 0 10z" fill="#52606d"/></marker></defs>
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="${margin}" y="${margin}" font-size="18" font-weight="bold" fill="#1f2933">${escaped(title)}</text>
<text x="${margin}" y="${margin + 20}" font-size="12" fill="#52606d">An arrow begins at who begins to talk; beside it stands what allows it. Green: through a private endpoint.</text>
${lines.join('\n')}
${placed.map(drawNode).join('\n')}
</svg>
`;
}

function place(nodes: readonly GraphNode[]): readonly Placed[] {
  const heightOf = ({ contents }: GraphNode): number =>
    box.headHeight + contents.length * box.lineHeight + (contents.length > 0 ? box.padding : 0);
  const byColumn = Map.groupBy(nodes, ({ name }) => columnOf(name));
  const columnHeight = (column: readonly GraphNode[]): number =>
    column.reduce((sum, node) => sum + heightOf(node) + rowGap, -rowGap);
  const tallest = Math.max(...[...byColumn.values()].map(columnHeight));
  return [...byColumn].flatMap(([column, inColumn]) => {
    let y = margin + 48 + (tallest - columnHeight(inColumn)) / 2;
    return inColumn.map((node) => {
      const placed = { ...node, x: margin + column * (box.width + columnGap), y, height: heightOf(node), column };
      y += placed.height + rowGap;
      return placed;
    });
  });
}

function drawNode({ name, kind, contents, x, y, height }: Placed): string {
  const [fill, stroke] = kind === 'component' ? ['#f0f4ff', '#3b5bdb'] : ['#fff9db', '#e67700'];
  const lines = contents.map(
    (line, index) =>
      `<text x="${x + box.padding}" y="${y + box.headHeight + 14 + index * box.lineHeight}" font-size="12" fill="#3e4c59">${escaped(line)}</text>`,
  );
  return [
    `<g><rect x="${x}" y="${y}" width="${box.width}" height="${height}" rx="8" fill="${fill}" stroke="${stroke}"/>`,
    `<text x="${x + box.padding}" y="${y + 22}" font-size="14" font-weight="bold" fill="#1f2933">${escaped(name)}</text>`,
    ...lines,
    '</g>',
  ].join('\n');
}

interface Route {
  readonly edge: GraphEdge;
  readonly from: Placed;
  readonly to: Placed;
}

type Side = 'left' | 'right';

/** The side of a node on which a route begins or ends; within a column both are at the right. */
function sideOf(node: Placed, other: Placed): Side {
  return node.column < other.column || node.column === other.column ? 'right' : 'left';
}

/**
 * Where a route meets a node: those of one side share it evenly, in the order of where they lead.
 */
function portOf(node: Placed, route: Route, routes: readonly Route[]): { readonly x: number; readonly y: number } {
  const otherEnd = ({ from, to }: Route): Placed => (from === node ? to : from);
  const side = sideOf(node, otherEnd(route));
  const sharing = routes
    .filter((one) => (one.from === node || one.to === node) && sideOf(node, otherEnd(one)) === side)
    .toSorted((one, another) => otherEnd(one).y - otherEnd(another).y);
  const share = (sharing.indexOf(route) + 1) / (sharing.length + 1);
  return { x: side === 'left' ? node.x : node.x + box.width, y: node.y + node.height * share };
}

/**
 * Between columns a line from side to side; within one a bow at its right. The words stand where
 * the line ends.
 */
function drawEdge(route: Route, routes: readonly Route[], placed: readonly Placed[]): string {
  const { edge, from, to } = route;
  const color = edge.isPrivate ? '#2b8a3e' : '#52606d';
  const [start, end] = [portOf(from, route, routes), portOf(to, route, routes)];
  const isBow = from.column === to.column;
  const path = isBow ? bow(start, end) : sideToSide(start, end, passedBy(route, placed));
  const isToTheLeft = isBow || end.x < start.x;
  const words = isBow
    ? { x: start.x + 46, y: (start.y + end.y) / 2 + 10 }
    : { x: end.x + (isToTheLeft ? 12 : -12), y: end.y };
  const texts = edge.allowedBy.map(
    (line, index) =>
      `<text x="${words.x}" y="${words.y - 7 + (index + 1 - edge.allowedBy.length) * 13}" font-size="11" text-anchor="${isToTheLeft ? 'start' : 'end'}" fill="${color}" stroke="#ffffff" stroke-width="3" paint-order="stroke">${escaped(line)}</text>`,
  );
  return `<path d="${path}" fill="none" stroke="${color}" stroke-width="1.5" marker-end="url(#arrow)"/>\n${texts.join('\n')}`;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

function bow(start: Point, end: Point): string {
  return `M${start.x} ${start.y}C${start.x + 56} ${start.y} ${end.x + 56} ${end.y} ${end.x} ${end.y}`;
}

/** Flat towards its end, where the words are; over the heads of the nodes that it passes. */
function sideToSide(start: Point, end: Point, passed: readonly Placed[]): string {
  const width = end.x - start.x;
  if (passed.length === 0) {
    return `M${start.x} ${start.y}C${start.x + width * 0.35} ${start.y} ${end.x - width * 0.7} ${end.y} ${end.x} ${end.y}`;
  }
  const over = Math.min(...passed.map(({ y }) => y)) - rowGap;
  return `M${start.x} ${start.y}C${start.x + width * 0.3} ${over} ${end.x - width * 0.5} ${end.y} ${end.x} ${end.y}`;
}

/** The nodes of the columns between the two ends. */
function passedBy({ from, to }: Route, placed: readonly Placed[]): readonly Placed[] {
  const [first, last] = [Math.min(from.column, to.column), Math.max(from.column, to.column)];
  return placed.filter(({ column }) => column > first && column < last);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
