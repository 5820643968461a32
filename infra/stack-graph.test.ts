import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { graphMermaid } from './graph-mermaid.ts';
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
  'the flowchart of %s has every component with its contents, and every allowance',
  async (stack) => {
    const { nodes, edges } = await graphOf(stack);
    const lines = graphMermaid({ nodes, edges }).trimEnd().split('\n');
    expect(lines).toHaveLength(1 + nodes.length + edges.length);
    const drawn = lines.slice(1).map((line) =>
      line
        .replaceAll(/<b>|<\/b>/g, '')
        .split('"')[1]
        ?.split('<br/>'),
    );
    expect(drawn).toEqual([
      ...nodes.map(({ name, contents }) => [name, ...contents]),
      ...edges.map(({ allowedBy }) => allowedBy),
    ]);
  },
);

test('the flowchart marks what is outside, what goes through a private endpoint, and what Mermaid would misread', () => {
  const nodes = [
    { name: 'stream-hub', kind: 'component', contents: ['Hub "a" < 2'] },
    { name: 'third parties', kind: 'outside', contents: [] },
  ] as const;
  const edge = { from: 'stream-hub', to: 'third parties', allowedBy: ['a key', 'a role'], isPrivate: false };
  expect(graphMermaid({ nodes, edges: [edge, { ...edge, allowedBy: ['a role'], isPrivate: true }] })).toBe(
    [
      'flowchart LR',
      '  stream_hub["<b>stream-hub</b><br/>Hub &quot;a&quot; &lt; 2"]',
      '  third_parties(["<b>third parties</b>"])',
      '  stream_hub -->|"a key<br/>a role"| third_parties',
      '  stream_hub ==>|"a role"| third_parties',
      '',
    ].join('\n'),
  );
});

test('the page about security shows the flowchart of prod with every option on', async () => {
  const page = readFileSync(join(import.meta.dirname, '../docs/operating/security.md'), 'utf8');
  const [, shown] = /^```mermaid\n(.*?)^```$/ms.exec(page) ?? [];
  expect(shown).toBe(graphMermaid(await graphOf('everything')));
});

test('a conversation with something that is not there is refused', () => {
  const edge = { from: 'nobody', to: 'stream', allowedBy: ['a'], isPrivate: false };
  const node = { name: 'stream', kind: 'component', contents: [] } as const;
  expect(() => graphMermaid({ nodes: [node], edges: [edge] })).toThrow('nobody or stream is not among its nodes');
});
