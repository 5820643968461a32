import { createAdobeClient, type FlowService, type PatchOperation } from '@activation-hub/flow-service';
import {
  startAdobePlatform,
  VirtualTime,
  type AdobePlatform,
  type SandboxView,
} from '@activation-hub/flow-service/testing';
import { afterEach, expect } from 'vitest';
import type { DestinationInputs } from '../aep-inputs.ts';
import { createAepProvider } from '../aep-provider.ts';
import { SmallEngine } from './aep-small-engine.ts';

const running: AdobePlatform[] = [];
afterEach(async () => {
  for (const platform of running.splice(0)) await platform.stop();
});

export const sasKey = 'c2VjcmV0+/key1234567890=';
export const clientSecret = 'client-secret-1';

/**
 * Adobe's platform on virtual time, stopped after the test, and inputs for a destination there.
 * Another seed than 1 brings delays.
 */
export async function started(seed = 1) {
  const time = new VirtualTime(seed);
  // The clock also moves as it is read, so that of two things one is always older.
  const now = () => (time.nowMs += 1);
  const latencyMs = seed === 1 ? () => 0 : () => Math.floor(time.random() * 4);
  const audiences = ['a-1', 'a-2', 'a-3', 'a-9', 'theirs'].map((id) => ({ id, name: `Audience ${id}` }));
  const platform = await startAdobePlatform({ now, latencyMs, audiences, sandboxes: ['prod', 'trial'], clientSecret });
  running.push(platform);
  const inputs: DestinationInputs = {
    organisation: platform.organisation,
    sandbox: 'prod',
    clientId: platform.clientId,
    clientSecret,
    platformUrl: platform.url,
    imsUrl: platform.url,
    owner: 'activation-hub/dev',
    name: 'Activation Hub dev',
    description: 'Audiences for destinations',
    namespace: 'evhns-acthub-dev-1a2b3c',
    eventHubName: 'profile-exports',
    sasKeyName: 'adobe',
    sasKey,
    hubScopedKey: true,
    audiences: [
      { id: 'a-1', name: 'Sports Fans' },
      { id: 'a-2', name: 'Newcomers' },
    ],
    attributes: ['consents.marketing.email.val', 'person.name.firstName'],
    enabled: true,
  };
  const engine = () => new SmallEngine(createAepProvider({ clock: time, retry: { attemptsMax: 2 } }));
  return { platform, time, inputs, engine, sandbox: platform.sandbox() };
}

/** What the only dataflow exports. */
export function exported(sandbox: SandboxView): { audiences: unknown[]; attributes: unknown[] } {
  const [flow, ...others] = sandbox.flows();
  expect(others).toEqual([]);
  const [transformation] = flow?.transformations as {
    params: Record<string, { selectors: { value: Record<string, unknown> }[] }>;
  }[];
  const values = (group: string, key: string) =>
    (transformation?.params[group]?.selectors ?? []).map(({ value }) => value[key]).toSorted();
  return { audiences: values('segmentSelectors', 'id'), attributes: values('profileSelectors', 'path') };
}

/** Dataflows, target connections, source connections, connections. */
export const countOf = (sandbox: SandboxView): readonly number[] => [
  sandbox.flows().length,
  sandbox.targetConnections().length,
  sandbox.sourceConnections().length,
  sandbox.connections().length,
];

/** The requests that change something in AEP, while something is done. */
export async function changing(platform: AdobePlatform, act: () => Promise<unknown>): Promise<readonly string[]> {
  const before = platform.requests.length;
  await act();
  return platform.requests
    .slice(before)
    .filter(({ method, path }) => method !== 'GET' && path.includes('/flowservice/'))
    .map(
      ({ method, path }) =>
        `${method} ${path.replace('/data/foundation/flowservice/', '').replace(/\/[0-9a-f-]{36}/, '/…')}`,
    );
}

export type Started = Awaited<ReturnType<typeof started>>;

/** Changes by another user, in AEP's interface or otherwise. */
export function somebody({ platform, time }: Started): FlowService {
  const { url, organisation, clientId } = platform;
  const urls = { platformUrl: url, imsUrl: url };
  const options = { ...urls, organisation, clientId, clientSecret, sandbox: 'prod', clock: time };
  return createAdobeClient(options).flowService;
}

export async function patchFlow(there: Started, operations: readonly PatchOperation[]): Promise<void> {
  const { flows } = somebody(there);
  for (const { id, etag = '' } of await flows.list()) await flows.patch(id, etag, operations);
}

/** A dataflow made by hand, without the marks of an owner. */
export async function madeByHand(there: Started): Promise<string> {
  const { inputs, engine } = there;
  const pulumi = engine();
  await pulumi.up({ ...inputs, owner: 'by/hand', audiences: [{ id: 'theirs' }] });
  const flowId = String(pulumi.outputs().flowId);
  const { flows, targetConnections, sourceConnections, connections } = somebody(there);
  for (const collection of [flows, targetConnections, sourceConnections, connections]) {
    for (const { id, etag = '' } of await collection.list()) {
      await collection.patch(id, etag, [{ op: 'replace', path: '/description', value: 'By hand' }]);
    }
  }
  return flowId;
}
