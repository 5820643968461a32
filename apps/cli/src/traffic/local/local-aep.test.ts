import { expect, test } from 'vitest';
import { capturedTerminal } from '../../../testing/captured-terminal.ts';
import { runActivation, startActivation } from '../../../testing/run-activation.ts';
import { atLocalSide } from '../../aep/local-side.ts';
import { run } from '../../main.ts';
import { exampleFile } from './example.ts';

const freePorts = ['--event-hubs-port', '0', '--storage-port', '0'];

test(
  'with --aep nothing is exported before aep apply --local, and then the third party is told',
  { timeout: 300_000 },
  async () => {
    const local = startActivation(['local', '--aep', '0', '--rate', '50', ...freePorts]);
    const { aepUrl, eventHubsConnectionString } = await local.event('ready');
    const environment = {
      AEP_PLATFORM_URL: String(aepUrl),
      AEP_EVENT_HUBS_URL: /sb:\/\/[^/;]+/.exec(String(eventHubsConnectionString))?.[0] ?? '',
      // Of a real tenant: none of it goes to the stand-in.
      AEP_CLIENT_ID: 'of-a-tenant',
      AEP_CLIENT_SECRET: 'of-a-tenant',
      AEP_SAS_KEY: 'of-a-tenant',
    };
    const aep = (verb: string) => runActivation(['aep', verb, '--local'], { environment });
    const plan = await aep('plan');
    expect(plan.errors).toBe('');
    expect(plan.output).toMatch(/^\d+ changes to "Activation Hub local" in the sandbox prod\n/);
    expect(plan.output).toContain('  Export the audience "Sports Fans"');
    const told = () => local.events.filter(({ event }) => event === 'told' || event === 'aep-exports');
    expect(told()).toEqual([]);
    const applied = await aep('apply');
    expect(applied.errors).toBe('');
    expect(applied.output).toMatch(/\nDone: the dataflow [0-9a-f-]{36} is as the file says\.\n$/);
    await local.event('aep-exports');
    await local.event('told');
    expect((await aep('apply')).output).toBe(
      'Nothing to change: "Activation Hub local" in the sandbox prod is as the file says.\n',
    );
    expect(await local.end('SIGTERM')).toBe(0);
    expect(local.errors()).toBe('');
    expect(Number((await local.event('stopped')).exportsSent)).toBeGreaterThan(0);
  },
);

test.each([
  [
    ['local', '--aep', '--event-hubs-key', 'key'],
    'Failed to start: --aep and --event-hubs-key do not go together, for aep apply --local gives AEP the usual key',
  ],
  [
    ['aep', 'plan', '--local', '--environment', 'dev'],
    "option '--local' cannot be used with option '--environment <name>'",
  ],
])('%j is refused', async (words, sentence) => {
  const terminal = capturedTerminal();
  expect(await run(words, terminal)).toBe(2);
  expect(terminal.said.join('\n')).toContain(sentence);
});

test('an address of another machine, and the keys of a tenant, are not taken to the stand-in', () => {
  const given = { AEP_PLATFORM_URL: 'https://platform.adobe.io', AEP_CLIENT_SECRET: 'of-a-tenant', PATH: 'a' };
  const { terminal, options } = atLocalSide({}, capturedTerminal({ environment: given }));
  expect(terminal.environment).toMatchObject({ AEP_PLATFORM_URL: 'http://127.0.0.1:8790', PATH: 'a' });
  expect(JSON.stringify(terminal.environment)).not.toContain('of-a-tenant');
  expect(options).toMatchObject({ activations: exampleFile, namespace: 'local' });
});
