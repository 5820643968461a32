import type { GraphEdge, GraphNode, StackGraph } from './stack-graph.ts';

/**
 * The graph of a stack as a flowchart of Mermaid, without fences: an arrow begins at who begins to
 * talk and has what allows it; a thick one goes through a private endpoint; round is what the stack
 * does not make. The same graph gives the same text. Throws when an edge leads to or from what is
 * not among the nodes.
 */
export function graphMermaid({ nodes, edges }: StackGraph): string {
  const names = new Set(nodes.map(({ name }) => name));
  for (const { from, to } of edges) {
    if (!names.has(from) || !names.has(to))
      throw new Error(`Failed to draw the stack: ${from} or ${to} is not among its nodes.`);
  }
  return ['flowchart LR', ...nodes.map(nodeLine), ...edges.map(edgeLine)].join('\n  ') + '\n';
}

function nodeLine({ name, kind, contents }: GraphNode): string {
  const [open, close] = kind === 'component' ? ['[', ']'] : ['([', '])'];
  const words = [`<b>${escaped(name)}</b>`, ...contents.map(escaped)];
  return `${idOf(name)}${open}"${words.join('<br/>')}"${close}`;
}

function edgeLine({ from, to, allowedBy, isPrivate }: GraphEdge): string {
  return `${idOf(from)} ${isPrivate ? '==>' : '-->'}|"${allowedBy.map(escaped).join('<br/>')}"| ${idOf(to)}`;
}

/** An id that Mermaid takes: letters, digits and underscores. */
const idOf = (name: string): string => name.replaceAll(/\W/g, '_');

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
