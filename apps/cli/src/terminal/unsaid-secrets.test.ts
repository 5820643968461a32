import { join } from 'node:path';
import { expect, test } from 'vitest';
import { everyCommand, type ListedCommand } from '../../testing/command-tree.ts';
import { capturedTerminal } from '../../testing/captured-terminal.ts';
import { temporaryFolder } from '../../testing/temporary-folder.ts';
import { run } from '../main.ts';
import { withoutSecrets } from './unsaid-secrets.ts';

const example = join(import.meta.dirname, '../..', 'examples', 'activation.yaml');
const fixture = join(import.meta.dirname, '../../../../libs/audience-events/fixtures/exit-only.json');
const key = 'aHVzaC1odXNoLWh1c2gtaHVzaC1odXNo';
/** Nothing listens on port 1 of this machine. */
const hub = `Endpoint=sb://127.0.0.1:1/;SharedAccessKeyName=sender;SharedAccessKey=${key};EntityPath=orders;UseDevelopmentEmulator=true`;
const storage = `DefaultEndpointsProtocol=http;AccountName=hub;AccountKey=${key};BlobEndpoint=http://127.0.0.1:1/hub;QueueEndpoint=http://127.0.0.1:1/hub;TableEndpoint=http://127.0.0.1:1/hub`;

/**
 * What carries a secret, with a value as a person would paste it. A new option of the kind belongs
 * here.
 */
const secretValues: Readonly<Record<string, readonly string[]>> = {
  '--connection-string': [hub, storage],
  '--data-storage': [storage],
  '--event-hubs-key': [key],
  '--health': [`https://127.0.0.1:1/health?code=${key}`],
};

const commands = await everyCommand();

test('every option whose meaning is a secret is tried below', () => {
  const telling = commands.flatMap(({ options }) =>
    options.filter(({ required, optional }) => required || optional).map(({ long }) => long ?? ''),
  );
  const carrying = telling.filter((name) =>
    /connection-string|secret|password|token|data-storage|hubs-key|health/.test(name),
  );
  expect([...new Set(carrying)].sort()).toEqual(Object.keys(secretValues).sort());
});

/** What a command needs so that it gets as far as its secret. */
function needed({ arguments: asked, options }: ListedCommand): readonly string[] {
  const values: Readonly<Record<string, string>> = {
    '--activations': example,
    '--reason': 'a test',
    '--environment': 'dev',
    '--output': 'out.json',
  };
  return [
    ...asked.filter(({ required }) => required).map((argument) => argumentValue(argument.name())),
    ...options
      .filter(({ mandatory, long }) => mandatory || long === '--activations')
      .flatMap(({ long }) => [long ?? '', values[long ?? ''] ?? 'any']),
  ];
}

function argumentValue(name: string): string {
  if (/person|identity/.test(name)) return 'crmid:C-1';
  return name === 'destination' ? 'receiver' : 'any';
}

/** Each way in which a secret of this command goes wrong, as words. */
function errorPaths(command: ListedCommand, name: string, value: string): readonly (readonly string[])[] {
  const before = [...command.words, ...needed(command)];
  const broken = [
    value.replace('=', ':'),
    value.slice(0, -1),
    `"${value}`,
    value.replace(/;UseDevelopmentEmulator=true/, ';EntityPath=b'),
  ];
  const others = command.options.filter(({ long, required }) => required && long !== name);
  return [
    // Written otherwise than the option is.
    [...before, `${name}s=${value}`],
    [...before, `${name}s`, value],
    [...before, `-Z${value}`],
    [...command.words, value],
    [...before, 'extra', 'extra', value],
    [value, ...before],
    [...before, `${name}=${value}`, '--bogus'],
    [...before, `${name}=${value}`, 'extra', 'extra'],
    ...broken.map((each) => [...before, `${name}=${each}`]),
    // Given to another option. A bare key cannot be recognised.
    ...(value === key ? [] : others).map(({ long }) => [...before, long ?? '', value]),
    // Given rightly, and something else is wrong.
    [...before, name, value, '--bogus'],
    [...before, name, value, 'extra', 'extra'],
    [...before, name, value, '--environment', 'bogus'],
    [...before, name, value, '--event-hub', 'another'],
    // Not what it must be.
    ...broken.map((each) => [...before, name, each]),
  ];
}

const cases = commands.flatMap((command) =>
  command.options.flatMap(({ long }) =>
    (secretValues[long ?? ''] ?? []).map((value) => ({ command, name: long ?? '', value })),
  ),
);

test.for(cases)(
  'activation $command.words says no secret of $name, whatever is wrong',
  { timeout: 300_000 },
  async ({ command, name, value }) => {
    const folder = await temporaryFolder();
    // Whatever starts ends at once: what is wrong is said before.
    const interrupted = AbortSignal.abort();
    for (const words of errorPaths(command, name, value)) {
      for (const json of [[], ['--json']]) {
        const terminal = capturedTerminal({ folder, interrupted });
        const exitCode = await run([...words, ...json], terminal);
        const text = [...terminal.said, ...(exitCode === 0 ? [] : terminal.printed)].join('\n');
        expect(text, words.join(' ')).not.toContain(key);
        expect(text, words.join(' ')).not.toContain(key.slice(0, -1));
      }
    }
  },
);

const variables: readonly (readonly [name: string, value: string, words: readonly string[]])[] = [
  ['EVENT_HUB_CONNECTION_STRING', hub, ['send', '-', '--event-hub', 'another']],
  ['EVENT_HUB_CONNECTION_STRING', hub.replace('Endpoint', 'Endpiont'), ['simulate', '--count', '1']],
  ['EVENT_HUB_CONNECTION_STRING', hub, ['canary', '--event-hub', 'another']],
  ['DATA_STORAGE_CONNECTION_STRING', `"${storage}`, ['ledger', 'show', 'crmid:C-1', '-a', example]],
  ['ACTIVATION_SECRET_RECEIVER_SIGNING_SECRET', `whsec_${key}`, ['inspect', `whsec_${key}`, '-a', example]],
  ['DATA_STORAGE_CONNECTION_STRING', storage, ['ledger', 'show', 'crmid:C-1', '-a', example]],
  ['EVENT_HUB_CONNECTION_STRING', hub, ['send', fixture]],
  ['AEP_SAS_KEY', key, ['aep', 'plan', '-a', example, '--namespace', key]],
];

test.for(variables)('a secret of the variable %s is not said', async ([name, value, words]) => {
  for (const json of [[], ['--json']]) {
    const terminal = capturedTerminal({ environment: { [name]: value }, interrupted: AbortSignal.timeout(2_000) });
    expect(await run([...words, ...json], terminal)).not.toBe(0);
    expect(terminal.said.join('')).not.toBe('');
    expect([...terminal.said, ...terminal.printed].join('\n')).not.toContain(key);
  }
});

test('a secret is known however its option is written', () => {
  for (const words of [['--event-hubs-key', key], [`--event-hubs-key=${key}`], [`--client-secret=${key}`]]) {
    const terminal = capturedTerminal();
    withoutSecrets(terminal, words).say(`Failed to use ${key}.`);
    expect(terminal.said, words.join(' ')).toEqual(['Failed to use [secret].']);
  }
  const terminal = capturedTerminal();
  withoutSecrets(terminal, [`--reason=${key}`]).say(`Because of ${key}.`);
  expect(terminal.said).toEqual([`Because of ${key}.`]);
});

test('control: what is not known to be a secret is said', async () => {
  const terminal = capturedTerminal();
  expect(await run(['check', key], terminal)).toBe(2);
  expect(terminal.said.join('\n')).toContain(key);
});
