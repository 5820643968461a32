import { expect, test } from 'vitest';
import { graphSvg } from './graph-svg.ts';
import { stackGraph } from './stack-graph.ts';
import { recordTestedStack, testedStacks } from './testing/stacks.ts';

const graphOf = async (stack: (typeof testedStacks)[number]) =>
  stackGraph((await recordTestedStack(stack, {}, 'planned')).resources);
const told = ({ from, to, allowedBy }: { from: string; to: string; allowedBy: readonly string[] }): string =>
  `${from} → ${to}: ${allowedBy.join(' · ')}`;

test('who may talk to whom is read off the stack', async () => {
  const { edges } = await graphOf('dev');
  expect(edges.map(told).toSorted()).toEqual([
    'Adobe Experience Platform → stream: key with Manage, Listen, Send',
    'handler → observability: Monitoring Metrics Publisher',
    'handler → storage: Storage Blob Data Contributor · Storage Blob Data Owner · Storage Queue Data Contributor · Storage Table Data Contributor',
    'handler → stream: Azure Event Hubs Data Receiver',
    'handler → third parties: HTTPS',
    'handler → vault: Key Vault Secrets User',
    'storage → observability: diagnostic setting',
    'stream → observability: diagnostic setting',
    'vault → observability: diagnostic setting',
  ]);
  expect(edges.filter(({ isPrivate }) => isPrivate)).toEqual([]);
});

test('options show: the archive, the right to send only, private ways, the fixed address, the destination in AEP', async () => {
  const { edges } = await graphOf('everything');
  expect(edges.map(told)).toEqual(
    expect.arrayContaining([
      'stream → stream-archive: Storage Blob Data Contributor',
      'Adobe Experience Platform → stream: key with Send',
      'aep → Adobe Experience Platform: OAuth client secret',
      'handler → third parties: HTTPS, from one fixed address',
    ]),
  );
  expect(edges.filter(({ isPrivate }) => isPrivate).map(({ to }) => to)).toEqual(['vault', 'storage']);
});

test.each(testedStacks)(
  'the picture of %s shows every component and every allowance, and no two boxes overlap',
  async (stack) => {
    const graph = await graphOf(stack);
    const svg = graphSvg(graph, stack);
    for (const { name } of graph.nodes) expect(svg).toContain(`>${name}</text>`);
    for (const words of graph.edges.flatMap(({ allowedBy }) => allowedBy)) expect(svg).toContain(`>${words}</text>`);
    const boxes = [...svg.matchAll(/<g><rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"/g)].map(
      ([, ...numbers]) => numbers.map(Number),
    );
    expect(boxes).toHaveLength(graph.nodes.length);
    for (const [index, [x = 0, y = 0, width = 0, height = 0]] of boxes.entries()) {
      for (const [otherX = 0, otherY = 0, otherWidth = 0, otherHeight = 0] of boxes.slice(index + 1)) {
        const apart =
          x + width <= otherX || otherX + otherWidth <= x || y + height <= otherY || otherY + otherHeight <= y;
        expect(apart).toBe(true);
      }
    }
  },
);

test('a conversation with something that is not there is refused', () => {
  const edge = { from: 'nobody', to: 'stream', allowedBy: ['a'], isPrivate: false };
  const node = { name: 'stream', kind: 'component', contents: [] } as const;
  expect(() => graphSvg({ nodes: [node], edges: [edge] }, 'x')).toThrow('nobody or stream is not among its nodes');
});
