import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAdobeClient } from '@activation-hub/flow-service';
import { startAdobePlatform, type AdobePlatform } from '@activation-hub/flow-service/testing';
import { afterAll, expect, test, type TestContext } from 'vitest';
import { standInKey } from './plan/azure-answers.ts';
import { EngineStack } from './testing/engine-stack.ts';
import { requirePulumi } from './testing/require-pulumi.ts';
import { fixtureStackFile } from './testing/fixture-stacks.ts';

/**
 * Starting the engine, the plugins and the program takes seconds, and much longer on a busy
 * machine.
 */
const timeout = 300_000;
const clientSecret = 'a-client-secret-that-nobody-sees';

interface StackWithAep {
  readonly platform: AdobePlatform;
  readonly stack: EngineStack;
  /** Writes the activation file with routes for these audiences. */
  readonly writeFile: (...audiences: readonly string[]) => void;
  readonly dispose: () => Promise<void>;
}

async function makeStack(): Promise<StackWithAep> {
  const audiences = ['sports-fans', 'newcomers'].map((key) => ({ id: `id-of-${key}`, name: key }));
  const platform = await startAdobePlatform({ audiences, clientSecret, deletionMs: 100 });
  const folder = mkdtempSync(join(tmpdir(), 'activations-'));
  const writeFile = (...audiences: readonly string[]): void => {
    const route = '{ destination: trial, identity: email, attributes: { first: person.name.firstName } }';
    const entries = audiences.map((key) => `  ${key}: { id: id-of-${key}, activate: [${route}] }\n`);
    const head = 'version: 1\ndestinations: { trial: { type: log } }\naudiences:\n';
    writeFileSync(join(folder, 'dev.yaml'), `${head}${entries.join('')}`);
  };
  writeFile('sports-fans');
  const stack = await EngineStack.create({
    stack: 'dev',
    program: join(import.meta.dirname, 'testing', 'programs', 'activations-elsewhere.ts'),
    variables: { ACTIVATIONS_FOLDER: folder },
    configuration: {
      ...fixtureStackFile('dev'),
      aepOrganisation: platform.organisation,
      aepSandbox: 'prod',
      aepClientId: platform.clientId,
      aepPlatformUrl: platform.url,
      aepImsUrl: platform.url,
    },
    secrets: { aepClientSecret: clientSecret },
  });
  const dispose = async (): Promise<void> => {
    stack.dispose();
    rmSync(folder, { recursive: true });
    await platform.stop();
  };
  return { platform, stack, writeFile, dispose };
}

let made: Promise<StackWithAep> | undefined;

/**
 * The stack `dev` with its destination in AEP; the tests are its life, in the order in which they
 * stand here.
 */
function stackWithAep(context: TestContext): Promise<StackWithAep> {
  requirePulumi(context);
  made ??= makeStack();
  return made;
}

afterAll(async () => (await made)?.dispose());

/** What AEP has: how many of each part, and the ids of the audiences of the only dataflow. */
function inAep({ platform }: StackWithAep) {
  const sandbox = platform.sandbox();
  const [flow, ...others] = sandbox.flows();
  expect(others).toEqual([]);
  const transformations = (flow?.transformations ?? []) as {
    params: Record<'segmentSelectors' | 'profileSelectors', { selectors: { value: Record<string, string> }[] }>;
  }[];
  const { segmentSelectors, profileSelectors } = transformations[0]?.params ?? {};
  return {
    flowId: flow?.id,
    state: flow?.state,
    parts: [sandbox.targetConnections(), sandbox.sourceConnections(), sandbox.connections()].map((all) => all.length),
    audiences: segmentSelectors?.selectors.map(({ value }) => value.id),
    attributes: profileSelectors?.selectors.map(({ value }) => value.path),
  };
}

/** The requests that change something in AEP, while something is done. */
async function changing({ platform }: StackWithAep, act: () => Promise<unknown>): Promise<readonly string[]> {
  const before = platform.requests.length;
  await act();
  const changes = platform.requests
    .slice(before)
    .filter(({ method, path }) => method !== 'GET' && path.includes('/flowservice/'));
  return changes.map(({ method, path }) => `${method} /${path.split('/').at(4) ?? ''}`);
}

const dataflow = { type: 'aep:index:Destination', name: 'aep-dataflow' };

test('a preview would make the destination, and asks AEP nothing', { timeout }, async (context) => {
  const there = await stackWithAep(context);
  const { changes } = await there.stack.preview();
  expect(changes).toContainEqual(expect.objectContaining({ ...dataflow, operation: 'create' }));
  expect(there.platform.requests).toEqual([]);
});

test(
  'one `up` makes hub, key and app, and then the dataflow with the audiences of the file',
  { timeout },
  async (context) => {
    const there = await stackWithAep(context);
    const { words } = await there.stack.up();
    expect(inAep(there)).toEqual({
      flowId: (await there.stack.outputs()).aepDataflow,
      state: 'enabled',
      parts: [1, 1, 2],
      audiences: ['id-of-sports-fans'],
      attributes: ['person.name.firstName'],
    });
    const connections = there.platform
      .sandbox()
      .connections()
      .map(({ auth }) => auth);
    const params = expect.objectContaining({ sasKeyName: 'adobe', sasKey: standInKey }) as unknown;
    expect(connections).toContainEqual(expect.objectContaining({ params }));
    const begins = words.indexOf('aep-dataflow creating');
    for (const before of ['stream-adobe-key created', 'handler-app created', 'handler-settings created']) {
      expect(words.indexOf(before), before).toBeGreaterThan(0);
      expect(words.indexOf(before), before).toBeLessThan(begins);
    }
  },
);

test('a second `up` changes nothing, here or there', { timeout }, async (context) => {
  const there = await stackWithAep(context);
  expect(await changing(there, () => there.stack.up('--expect-no-changes'))).toEqual([]);
});

test(
  'another audience in the file is one patch of the same dataflow, and nothing else',
  { timeout },
  async (context) => {
    const there = await stackWithAep(context);
    const { flowId } = inAep(there);
    there.writeFile('sports-fans', 'newcomers');
    const requests = await changing(there, async () => {
      expect((await there.stack.up()).changes).toMatchObject([{ ...dataflow, operation: 'update' }]);
    });
    expect(requests).toEqual(['PATCH /flows']);
    expect(inAep(there)).toMatchObject({ flowId, audiences: ['id-of-sports-fans', 'id-of-newcomers'] });
  },
);

test(
  'what a user changed in AEP is drift that a refresh finds, and the next `up` puts it right',
  { timeout },
  async (context) => {
    const there = await stackWithAep(context);
    const { flowId = '' } = inAep(there);
    const { url, organisation, clientId } = there.platform;
    const urls = { platformUrl: url, imsUrl: url };
    const { flowService } = createAdobeClient({ ...urls, organisation, clientId, clientSecret, sandbox: 'prod' });
    await flowService.setEnabled(flowId, false);
    const requests = await changing(there, () =>
      expect(there.stack.refresh('--expect-no-changes')).rejects.toThrow('no changes were expected'),
    );
    expect(requests).toEqual([]);
    expect((await there.stack.up()).changes).toMatchObject([{ ...dataflow, operation: 'update' }]);
    expect(inAep(there)).toMatchObject({ flowId, state: 'enabled' });
    await there.stack.refresh('--expect-no-changes');
  },
);

test('neither the client secret nor the key is in anything that the engine keeps', { timeout }, async (context) => {
  const { stack } = await stackWithAep(context);
  const files = [...stack.stateFiles().values()];
  expect(files.some((text) => text.includes('aep:index:Destination') && text.includes('activation-hub/dev'))).toBe(
    true,
  );
  for (const text of files) {
    expect(text).not.toContain(clientSecret);
    expect(text).not.toContain(standInKey);
  }
});

test('`destroy` leaves nothing behind, in AEP neither', { timeout }, async (context) => {
  const there = await stackWithAep(context);
  await there.stack.destroy();
  expect(inAep(there)).toMatchObject({ flowId: undefined, parts: [0, 0, 0] });
  expect(there.stack.azure.resources()).toEqual([]);
});

test(
  'what a refused creation left is known to the engine, and `destroy` takes it away',
  { timeout },
  async (context) => {
    const there = await stackWithAep(context);
    // The test before has destroyed the stack, and its vault keeps its name.
    there.stack.configure({ vaultNumber: 2 });
    there.platform.faults.inject({ method: 'POST', path: 'flowservice/flows', status: 403, times: 10 });
    await expect(there.stack.up()).rejects.toThrow(
      /Failed to create a dataflow: Adobe answered 403 \(request id \w+\)/,
    );
    there.platform.faults.clear();
    expect(inAep(there)).toMatchObject({ flowId: undefined, parts: [1, 1, 2] });
    await there.stack.destroy();
    expect(inAep(there)).toMatchObject({ flowId: undefined, parts: [0, 0, 0] });
  },
);
