import { randomUUID } from 'node:crypto';
import { ContainerClient } from '@azure/storage-blob';
import { z } from 'zod';
import { type Azurite, startAzurite } from '@activation-hub/azurite';
import {
  type MemberAttributes,
  type StandInVendor,
  type StartLocalVendor,
  startVendorServer,
  type VendorRequest,
  type VendorResponse,
} from '@activation-hub/destination-kit/testing';

/** What a reader may rely on in a line. */
const line = z.strictObject({
  id: z.string(),
  change: z.enum(['entered', 'updated', 'exited']),
  audience: z.strictObject({ key: z.string(), id: z.string(), namespace: z.string(), name: z.string().optional() }),
  identity: z.strictObject({ namespace: z.string(), value: z.string() }),
  qualifiedAt: z.iso.datetime(),
  attributes: z.record(z.string(), z.json()),
});

export type ArchiveLine = z.output<typeof line>;

/**
 * A container in Azurite, with a reader of it. Requests go through it, so that they can be seen and
 * fail.
 */
export interface BlobArchiveVendor extends StandInVendor {
  readonly containerUrl: string;
  readonly accountKey: string;
  readonly container: ContainerClient;
  /** All lines of all blobs; throws when one is not as the README says. */
  lines(): Promise<readonly ArchiveLine[]>;
  /** The newest line about each person of an audience who is a member. */
  membersOf(audience: string): Promise<readonly ArchiveLine[]>;
  /** From now on every write meets this answer; `undefined` ends it. */
  answerWith(response: VendorResponse | undefined): void;
}

export const startLocalBlobArchiveVendor: StartLocalVendor = async () => {
  const azurite = await startAzurite();
  const vendor = await startBlobArchiveVendor(azurite);
  return {
    settings: { containerUrl: vendor.containerUrl, clientId: undefined },
    secrets: { accountKey: vendor.accountKey },
    members: async ({ audience }) => (await vendor.membersOf(audience)).map(({ identity }) => identity.value),
    close: async () => {
      await vendor.close();
      await azurite.stop();
    },
  };
};

/** Makes a new container in Azurite, reached through a server on a free local port. */
export async function startBlobArchiveVendor({ connectionString, blobPort }: Azurite): Promise<BlobArchiveVendor> {
  const container = new ContainerClient(connectionString, `archive-${randomUUID()}`);
  await container.create();
  let instead: VendorResponse | undefined;
  const server = await startVendorServer(
    (request) => instead ?? passOn(request, blobPort),
    ({ method }) => method === 'GET',
  );
  const lines = () => readLines(container);
  const cannot = (what: string) => () => {
    throw new Error(`Failed to ${what} a row: the Blob service takes a blob whole.`);
  };
  return {
    ...server,
    container,
    containerUrl: `${server.origin}${new URL(container.url).pathname}`,
    accountKey: /AccountKey=([^;]+)/.exec(connectionString)?.[1] ?? '',
    lines,
    membersOf: async (audience) => members((await lines()).filter((each) => each.audience.key === audience)),
    member: async (identity): Promise<MemberAttributes | undefined> =>
      members(await lines()).find((each) => each.identity.value === identity)?.attributes,
    answerWith: (response) => {
      instead = response;
    },
    answerWithError: (code) => {
      const answer = () => ({ status: 400, headers: { 'x-ms-error-code': code ?? '' }, body: '' });
      server.setFault(code === undefined ? undefined : { kind: 'answer', answer });
    },
    refuse: cannot('refuse'),
    omit: cannot('leave out'),
  };
}

/** Headers of one connection, which are not passed on. */
const connectionHeaders = new Set(['connection', 'content-length', 'host', 'keep-alive', 'transfer-encoding']);
const passedOn = (headers: Iterable<readonly [string, string]>): Record<string, string> =>
  Object.fromEntries([...headers].filter(([name]) => !connectionHeaders.has(name)));

async function passOn({ method, url, headers, body }: VendorRequest, port: number): Promise<VendorResponse> {
  const response = await fetch(`http://127.0.0.1:${port}${url}`, {
    method,
    headers: passedOn(Object.entries(headers)),
    ...(body === '' ? {} : { body }),
  });
  return { status: response.status, headers: passedOn(response.headers), body: await response.text() };
}

async function readLines(container: ContainerClient): Promise<ArchiveLine[]> {
  const all: ArchiveLine[] = [];
  for await (const { name } of container.listBlobsFlat()) {
    const [, day, audience] =
      /^day=(\d{4}-\d{2}-\d{2})\/audience_key=([a-z0-9-]+)\/[0-9a-f]{64}\.ndjson$/.exec(name) ?? [];
    const content = (await container.getBlobClient(name).downloadToBuffer()).toString('utf8');
    if (!content.endsWith('\n')) throw new Error('Failed to read a blob: its last line has no end.');
    for (const text of content.slice(0, -1).split('\n')) {
      const read = line.parse(JSON.parse(text));
      if (read.audience.key !== audience || !read.qualifiedAt.startsWith(day ?? '')) {
        throw new Error('Failed to read a blob: a line of it belongs into another.');
      }
      all.push(read);
    }
  }
  return all;
}

/**
 * Of each person in each audience the newest line, where it is no exit. Repeated lines say the
 * same.
 */
function members(lines: readonly ArchiveLine[]): readonly ArchiveLine[] {
  const newest = new Map<string, ArchiveLine>();
  for (const each of lines.toSorted((left, right) => (orderOf(left) < orderOf(right) ? -1 : 1))) {
    newest.set(JSON.stringify([each.audience.key, each.identity]), each);
  }
  return [...newest.values()].filter(({ change }) => change !== 'exited');
}

const orderOf = ({ qualifiedAt, change }: ArchiveLine): string => `${qualifiedAt} ${change === 'exited' ? 1 : 0}`;
