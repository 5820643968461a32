import { readdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import {
  operatorRoles,
  startDeployedEnvironment,
  type DeployedEnvironment,
} from '../../../testing/deployed-environment.ts';
import { adsWaiting, vipId, vipMembers } from '../../../testing/environment-seed.ts';
import { runActivation } from '../../../testing/run-activation.ts';
import { temporaryFolder } from '../../../testing/temporary-folder.ts';

const command = fileURLToPath(new URL('../../../bin/activation.js', import.meta.url));
const reads = ['explain', 'inspect', 'dead_letters', 'dead_letter', 'destinations', 'pauses', 'plan', 'lag', 'held'];
const changes = ['pause', 'shadow', 'resume', 'retry_now', 'replay'];
let environment: DeployedEnvironment;

beforeAll(async () => {
  environment = await startDeployedEnvironment();
});
afterAll(() => environment.stop());
beforeEach(() => {
  for (const role of operatorRoles) environment.roles.add(role);
});

/** An assistant's client of the real command over standard input and output. */
const connect = (...words: readonly string[]) => connectWith({}, ...words);

async function connectWith(more: Readonly<Record<string, string>>, ...words: readonly string[]) {
  const { folder, variables } = environment;
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [command, 'mcp', '--environment', 'dev', ...words],
    cwd: folder,
    env: { ...(process.env as Record<string, string>), ...variables, ...more },
    stderr: 'pipe',
  });
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(transport);
  onTestFinished(() => client.close());
  const call = async (name: string, given: Record<string, unknown> = {}) => {
    const { content, isError = false } = await client.callTool({ name, arguments: given });
    const [first] = content;
    const text = first?.type === 'text' ? first.text : '';
    return { text, isError, value: isError ? undefined : (JSON.parse(text) as unknown) };
  };
  return { client, call };
}

test('without a flag an assistant can read and change nothing', async () => {
  const { client, call } = await connect();
  const { tools } = await client.listTools();
  expect(tools.map(({ name }) => name)).toEqual(reads);
  expect(tools.every(({ annotations }) => annotations?.readOnlyHint === true)).toBe(true);
  expect(client.getInstructions()).toContain('namespace:identity');
  const refused = await call('pause', { reason: 'x' }).catch((error: unknown) => ({
    isError: true,
    text: String(error),
  }));
  expect(refused).toMatchObject({ isError: true, text: expect.stringContaining('pause') as string });
  expect((await call('pauses')).value).toEqual({ pauses: [] });
});

test('it asks for a person, and the person is masked in the answer', async () => {
  const { call } = await connect();
  const { text, value } = await call('explain', { people: ['crmid:C-12', 'email:person.3@example.com'] });
  expect(value).toMatchObject({
    identities: ['crmid ●●●●', 'email ●●●●'],
    routes: [
      { destination: 'crm', audience: 'vip', state: 'told', identity: 'crmid ●●●●' },
      { destination: 'crm', audience: 'newsletter', state: 'told' },
      { destination: 'ads', audience: 'vip', state: 'waiting', identity: 'email ●●●●' },
    ],
  });
  expect(text).not.toMatch(/C-12|example\.com/);
  const shown = await (await connect('--show-people')).call('explain', { people: ['crmid:C-12'] });
  expect(shown.value).toMatchObject({ routes: [{ identity: 'crmid C-12' }, {}, {}] });
});

test(
  'it looks what would become of an export, and sees neither the person nor a request',
  { timeout: 300_000 },
  async () => {
    const body = JSON.stringify({
      identityMap: { crmid: [{ id: 'C-4711-secret' }] },
      segmentMembership: { ups: { [vipId]: { lastQualificationTime: '2026-01-31T12:00:00Z', status: 'realized' } } },
      person: { name: { firstName: 'Augusta' } },
    });
    const masked = await (await connect()).call('inspect', { body });
    expect(masked.value).toMatchObject({
      decisions: [
        { destination: 'crm', decision: 'entered', identity: { value: '●●●●cret' } },
        { destination: 'ads', decision: 'unresolved' },
      ],
      requests: [{ destination: 'crm', method: 'POST', bodyBytes: expect.any(Number) as number }],
    });
    expect(masked.text).not.toMatch(/4711|Augusta/);
    const shown = await (await connect('--show-people')).call('inspect', { body });
    expect(shown.text).toMatch(/C-4711-secret/);
    expect(shown.text).toMatch(/Augusta/);
  },
);

test('it reads dead letters, destinations, the plan and the lag', async () => {
  const { call } = await connect();
  const list = (await call('dead_letters', { filter: { destination: 'crm' } })).value as {
    readonly letters: readonly { readonly name: string; readonly reasons: readonly string[] }[];
  };
  expect(list).toMatchObject({ counts: [{ destination: 'crm', class: 'invalid', letters: 2 }] });
  expect(list.letters[0]?.reasons).toEqual(['vip: the list is full']);
  const letter = await call('dead_letter', { name: list.letters[0]?.name });
  expect(letter.value).toMatchObject({ outcome: 'rejected', body: expect.stringContaining('--show-people') as string });
  expect(letter.text).not.toContain('segmentMembership');

  const destinations = await call('destinations');
  expect(destinations.value).toMatchObject({
    destinations: [
      { key: 'crm', ledger: { waiting: 0 } },
      { key: 'ads', ledger: { waiting: adsWaiting }, failures: [{ verdict: 'transient', changes: adsWaiting }] },
    ],
    routes: [{ members: vipMembers, health: 'well' }, { health: 'failing' }, {}],
  });
  expect(destinations.text).not.toContain('whsec_');
  expect((await call('plan')).value).toMatchObject({
    routes: [{ audience: 'vip', members: vipMembers }, {}, {}],
    leftBehind: [],
  });
  expect((await call('lag')).value).toMatchObject({ partitions: [{ events: 0 }, { partitionId: '1', events: 3 }] });
});

test('what fails is said in words, with the role that the person lacks', async () => {
  const { call } = await connect();
  environment.roles.delete('Storage Table Data Contributor');
  expect(await call('plan')).toMatchObject({
    isError: true,
    text: expect.stringContaining('The signed-in account lacks the role Storage Table Data Contributor') as string,
  });
  expect(await call('explain', { people: ['nobody'] })).toMatchObject({
    isError: true,
    text: expect.stringContaining('write namespace:identity') as string,
  });
  expect((await call('dead_letter', { name: '2026-01-31/crm/none/0-1' })).text).toContain(
    'no dead letter of that name',
  );
});

test(
  'with --allow-changes it pauses, resumes, tries now and replays, and who sees it knows that it was an assistant',
  { timeout: 300_000 },
  async () => {
    const { client, call } = await connect('--allow-changes');
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual([...reads, ...changes]);
    expect(tools.filter(({ annotations }) => annotations?.readOnlyHint === false).map(({ name }) => name)).toEqual(
      changes,
    );
    await call('pause', { destination: 'crm', reason: 'it is migrated' });
    expect((await call('pauses')).value).toMatchObject({
      pauses: [{ destination: 'crm', by: 'ada@contoso.example, by an assistant', reason: 'it is migrated' }],
    });
    expect((await call('resume', { destination: 'crm' })).text).toContain('Resumed crm');
    expect((await call('resume', { destination: 'crm' })).text).toContain('crm is not paused');
    expect((await call('shadow', { destination: 'crm', reason: 'a look' })).text).toContain('In shadow: crm.');
    expect((await call('pauses')).value).toMatchObject({ pauses: [{ destination: 'crm', isShadow: true }] });
    expect((await call('held', { destination: 'crm' })).value).toMatchObject({ requests: [], leftOut: 0 });
    await call('resume', { destination: 'crm' });
    expect((await call('retry_now', { destination: 'ads', reason: 'mended' })).text).toContain(
      `${adsWaiting} waiting retries`,
    );
    expect((await call('retry_now', { destination: 'nobody', reason: 'x' })).text).toContain(
      'has no destination nobody',
    );
    // Left out, a misspelt word would mean everything.
    for (const [name, given] of [
      ['pause', { destinaton: 'crm', reason: 'x' }],
      ['resume', { destinaton: 'crm' }],
      ['replay', { filter: { destinaton: 'crm' }, dryRun: false }],
    ] as const)
      expect(await call(name, given)).toMatchObject({
        isError: true,
        text: expect.stringContaining('destinaton') as string,
      });
    expect((await call('pauses')).value).toEqual({ pauses: [] });
    const filter = { class: 'invalid' };
    expect((await call('replay', { filter, dryRun: true })).text).toContain('Would replay 2 dead letters of crm');
    expect((await call('replay', { filter, dryRun: false })).text).toContain('Replayed 2 dead letters of crm');
    expect((await call('dead_letters')).value).toMatchObject({ letters: [] });
  },
);

test(
  'a slow stack holds up the first call, and neither the handshake nor the list of tools',
  { timeout: 300_000 },
  async () => {
    const slow = await temporaryFolder();
    const pulumi = join(environment.folder, 'pulumi');
    const script = `#!/bin/sh
touch ${slow}/asked
until [ -e ${slow}/may-answer ]; do sleep 0.1; done
exec ${pulumi} "$@"
`;
    await writeFile(join(slow, 'pulumi'), script, { mode: 0o755 });
    const { client, call } = await connectWith({ PATH: `${slow}${delimiter}${environment.variables.PATH ?? ''}` });
    expect((await client.listTools()).tools).toHaveLength(reads.length);
    expect(await readdir(slow)).toEqual(['pulumi']);
    const asked = call('pauses');
    await expect.poll(() => readdir(slow)).toContain('asked');
    await writeFile(join(slow, 'may-answer'), '');
    expect((await asked).value).toEqual({ pauses: [] });
  },
);

test(
  'a stack that cannot be asked is said in words, and asked again by the next call',
  { timeout: 300_000 },
  async () => {
    const broken = await temporaryFolder();
    const pulumi = join(environment.folder, 'pulumi');
    const script = `#!/bin/sh
if [ -e ${broken}/asked ]; then exec ${pulumi} "$@"; fi
touch ${broken}/asked
echo 'error: nobody is signed in' >&2
exit 1
`;
    await writeFile(join(broken, 'pulumi'), script, { mode: 0o755 });
    const { call } = await connectWith({ PATH: `${broken}${delimiter}${environment.variables.PATH ?? ''}` });
    expect(await call('pauses')).toMatchObject({
      isError: true,
      text: expect.stringContaining('nobody is signed in') as string,
    });
    expect((await call('pauses')).value).toEqual({ pauses: [] });
  },
);

test('it ends with its input, and no other command loads the protocol', async () => {
  const { folder, variables } = environment;
  const options = { folder, environment: variables };
  expect(await runActivation(['mcp', '--environment', 'dev'], options)).toMatchObject({
    code: 0,
    output: '',
    errors: '',
  });
  const help = await runActivation(['mcp', '--help'], options);
  expect(help.output).toContain('Examples:\n  $ activation mcp');
  const refusing = `import { registerHooks } from 'node:module';
registerHooks({ resolve(name, context, next) {
  if (name.startsWith('@modelcontextprotocol/')) throw new Error('the protocol is loaded');
  return next(name, context);
} });`;
  const nodeOptions = ['--import', `data:text/javascript,${encodeURIComponent(refusing)}`];
  const activations = 'apps/handler/activations/dev.yaml';
  const other = await runActivation(['pause', '--list', '-a', activations, '-e', 'dev'], { ...options, nodeOptions });
  expect(other).toMatchObject({ code: 0, errors: '' });
  const control = await runActivation(['mcp', '--environment', 'dev'], { ...options, nodeOptions });
  expect(control.errors).toContain('the protocol is loaded');
});
