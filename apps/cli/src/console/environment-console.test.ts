import type {
  About,
  ActResult,
  DeadLetterList,
  DestinationView,
  JobStarted,
  JobView,
  Overview,
  PersonView,
} from '@activation-hub/console-contract';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import {
  operatorRoles,
  startDeployedEnvironment,
  type DeployedEnvironment,
  type OperatorRole,
} from '../../testing/deployed-environment.ts';
import { adsWaiting, newsMembers, vipMembers } from '../../testing/environment-seed.ts';
import { runActivation, startActivation } from '../../testing/run-activation.ts';
import { streamMessages } from '../../testing/stream-messages.ts';

let environment: DeployedEnvironment;

beforeAll(async () => {
  environment = await startDeployedEnvironment();
});
afterAll(() => environment.stop());
beforeEach(() => {
  for (const role of operatorRoles) environment.roles.add(role);
});

/** The console of the environment, as a person starts it, and a way to ask it. */
async function openConsole() {
  const { folder, variables } = environment;
  const running = startActivation(['console', '--environment', 'dev'], { folder, environment: variables });
  onTestFinished(async () => {
    await running.end();
  });
  const { consoleUrl } = (await running.event('ready')) as unknown as { readonly consoleUrl: string };
  const { origin, hash } = new URL(consoleUrl);
  const headers = { authorization: `Bearer ${hash.replace('#token=', '')}` };
  const ask = async <Answer>(path: string, body?: object): Promise<Answer> => {
    const init = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    const response = await fetch(`${origin}/api/${path}`, { headers, ...init });
    return (await response.json()) as Answer;
  };
  const overview = async (): Promise<Overview> => {
    await ask('look', {});
    const response = await fetch(`${origin}/api/stream`, { headers });
    for await (const message of streamMessages(response))
      if (message.is === 'begin' && message.overview !== undefined) return message.overview;
    throw new Error('The stream ended.');
  };
  const finished = async ({ job }: JobStarted): Promise<JobView> => {
    let view: JobView | undefined;
    const isOver = async (): Promise<boolean> => {
      view = await ask<JobView>(`jobs/${job}`);
      return view.isOver;
    };
    await expect.poll(isOver).toBe(true);
    return view ?? expect.unreachable();
  };
  return { origin, ask, overview, finished };
}

test(
  'an environment shows what its ledger, dead letters and event hub say, to who has the roles',
  { timeout: 300_000 },
  async () => {
    const { ask, overview } = await openConsole();
    expect(await ask<About>('about')).toMatchObject({
      environment: 'dev',
      isLocal: false,
      operator: 'ada@contoso.example',
    });
    const { attention, cells, deadLetters, waiting, partitions } = await overview();
    expect(cells).toMatchObject([
      { audience: 'vip', destination: 'crm', members: vipMembers, waiting: 0, health: 'well' },
      { audience: 'vip', destination: 'ads', members: 0, waiting: adsWaiting, health: 'failing' },
      { audience: 'newsletter', destination: 'crm', members: newsMembers, health: 'well' },
    ]);
    expect([deadLetters, waiting]).toEqual([2, adsWaiting]);
    expect(partitions).toMatchObject([
      { partitionId: '0', events: 0 },
      { partitionId: '1', events: 3 },
    ]);
    expect(attention.map(({ text }) => text)).toEqual([
      `ads does not take changes; ${adsWaiting} changes wait. Its last answer: it answered 503 Service Unavailable`,
      '2 dead letters of crm.',
    ]);
    const [crm, ads] = await ask<readonly DestinationView[]>('destinations');
    expect(crm?.settings).toContain('secret: crm-signing-secret');
    expect(crm).toMatchObject({ ledger: { waiting: 0 }, failures: [] });
    expect(ads).toMatchObject({
      ledger: { waiting: adsWaiting },
      failures: [{ verdict: 'transient', changes: adsWaiting }],
    });
  },
);

test('a person is looked for, taken out and erased with the secrets of the vault', async () => {
  const { ask } = await openConsole();
  const people = ['crmid:C-7'];
  const story = await ask<PersonView>('people/explain', { people });
  expect(story.routes.filter(({ state }) => state === 'told')).toHaveLength(2);
  const waiting = await ask<PersonView>('people/explain', { people: ['email:person.3@example.com'] });
  expect(waiting.routes.flatMap(({ actions }) => actions.map(({ command }) => command))).toEqual([
    'activation retry-now ads --activations apps/handler/activations/dev.yaml --environment dev',
  ]);
  const would = await ask<ActResult>('people/erase', { people, dryRun: true });
  expect(would.lines).toContain('Would erase 2 rows of the ledger of crm.');
  expect(would.lines).toContain('crm would be told of 2 exits.');
  await ask('controls/pause', { destination: 'crm', reason: 'a freeze' });
  const held = await ask<ActResult>('people/erase', { people, dryRun: false });
  expect(held.problems).toEqual([
    expect.stringContaining(
      'crm did not take the exit: Failed to tell crm: crm is paused by ada@contoso.example (a freeze)',
    ),
  ]);
  await ask('controls/resume', { destination: 'crm', reason: '' });
  expect(environment.told).toEqual([]);
  const did = await ask<ActResult>('people/erase', { people, dryRun: false });
  expect(did).toMatchObject({ problems: [] });
  expect(did.lines).toContain('Told crm of 2 exits.');
  expect(environment.told.toSorted()).toEqual(['exited newsletter', 'exited vip']);
  expect((await ask<PersonView>('people/explain', { people })).events).toEqual([]);
});

test(
  'dead letters are listed, replayed with progress and purged; controls say who asked',
  { timeout: 300_000 },
  async () => {
    const { ask, finished } = await openConsole();
    const { letters } = await ask<DeadLetterList>('dead-letters/list', {});
    expect(letters).toHaveLength(2);
    const [first, second] = letters;
    const replayed = await finished(await ask('dead-letters/replay', { filter: { name: first?.name }, dryRun: false }));
    expect(replayed).toMatchObject({
      done: 1,
      total: 1,
      result: { lines: ['Replayed 1 dead letter of crm, invalid.'] },
    });
    const purged = await finished(await ask('dead-letters/purge', { filter: { name: second?.name }, dryRun: false }));
    expect(purged.result?.lines).toEqual(['Deleted 1 dead letter of crm, invalid.']);
    expect((await ask<DeadLetterList>('dead-letters/list', {})).letters).toEqual([]);

    await ask('controls/pause', { reason: 'a freeze' });
    expect(await ask('pauses')).toMatchObject([{ what: 'everything', by: 'ada@contoso.example', reason: 'a freeze' }]);
    await ask('controls/resume', { reason: '' });
    expect(await ask('pauses')).toEqual([]);
  },
);

test('a person who lacks a role reads which one, and sees the rest', async () => {
  const { ask, overview, finished } = await openConsole();
  const without = async (role: OperatorRole): Promise<Overview> => {
    environment.roles.delete(role);
    const seen = await overview();
    environment.roles.add(role);
    return seen;
  };
  const words = ({ attention }: Overview): string => attention.map(({ text }) => text).join('\n');

  const noTable = await without('Storage Table Data Contributor');
  expect(words(noTable)).toMatch(
    /table store at .* answered 403 AuthorizationPermissionMismatch. The signed-in account lacks the role Storage Table Data Contributor on that account/,
  );
  expect(noTable.cells.map(({ health }) => health)).toEqual(['unknown', 'unknown', 'unknown']);
  expect(noTable).toMatchObject({ partitions: [{}, {}] });
  expect(noTable.waiting).toBeUndefined();

  const noBlob = await without('Storage Blob Data Contributor');
  expect(words(noBlob)).toContain('The signed-in account lacks the role Storage Blob Data Contributor on that account');
  expect(noBlob.deadLetters).toBeUndefined();
  expect(noBlob.cells[0]).toMatchObject({ audience: 'vip', health: 'well' });

  const noHub = await without('Azure Event Hubs Data Receiver');
  expect(words(noHub)).toContain('You lack the role Azure Event Hubs Data Receiver on its namespace.');
  const noCheckpoints = await without('Storage Blob Data Reader');
  expect(words(noCheckpoints)).toContain('You lack the role Storage Blob Data Reader on it');

  environment.roles.delete('Storage Table Data Contributor');
  expect(await ask('people/explain', { people: ['crmid:C-1'] })).toMatchObject({
    message: expect.stringContaining('The signed-in account lacks the role Storage Table Data Contributor') as string,
  });
  const resync = await finished(await ask('destinations/crm/resync', { dryRun: true }));
  expect(resync.failure).toContain('The signed-in account lacks the role Storage Table Data Contributor');
  environment.roles.add('Storage Table Data Contributor');
  environment.roles.delete('Key Vault Secrets User');
  expect(await ask('destinations/crm/probe', {})).toMatchObject({
    outcome: 'problems',
    problems: [expect.stringContaining('Key Vault Secrets User')],
  });
});

test('the console of an environment is guarded as that of this machine is', async () => {
  const { origin } = await openConsole();
  expect((await fetch(`${origin}/api/about`)).status).toBe(401);
  expect((await fetch(`${origin}/api/about`, { headers: { origin: 'https://evil.example' } })).status).toBe(403);
  expect(new URL(origin).hostname).toBe('127.0.0.1');
});

test('without an environment, a stack or a sign-in it says what to do', async () => {
  const { folder, variables } = environment;
  const run = (words: readonly string[], more: Readonly<Record<string, string>> = {}) =>
    runActivation(['console', ...words], { folder, environment: { ...variables, ...more } });
  expect(await run([])).toMatchObject({
    code: 2,
    errors: expect.stringContaining('--environment <name> is missing') as string,
  });
  const elsewhere = await run(['--environment', 'prod']);
  expect(elsewhere).toMatchObject({ code: 2, errors: expect.stringContaining('prod.yaml') as string });
  const nobody = await run(['--environment', 'dev'], { AZURE_TOKEN_CREDENTIALS: 'EnvironmentCredential' });
  expect(nobody.code).toBe(1);
  expect(nobody.errors).toMatch(/^Failed to sign in to Azure: .* Run az login\.\n$/);
});
