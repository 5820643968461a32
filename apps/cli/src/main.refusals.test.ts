import { expect, test } from 'vitest';
import { everyCommand, type ListedCommand } from '../testing/command-tree.ts';
import { goldenFile, session } from '../testing/golden.ts';

const commands = await everyCommand();

/** What every command refuses. */
function usual({ words, arguments: taken, options }: ListedCommand): readonly (readonly string[])[] {
  const isVariadic = taken.some(({ variadic }) => variadic);
  const given = taken.map(({ required }) => (required ? 'crmid:C-1' : 'any'));
  const mandatory = options.filter((option) => option.mandatory).flatMap(({ long }) => [long ?? '', 'activation.yaml']);
  const valued = options.find(({ required }) => required)?.long ?? undefined;
  return [
    [...words, '--bogus=any'],
    ...(taken.some(({ required }) => required) ? [[...words, ...mandatory]] : []),
    ...(mandatory.length > 0 ? [[...words, ...given]] : []),
    ...(isVariadic ? [] : [[...words, ...mandatory, ...given, 'one', 'too', 'many']]),
    ...(valued === undefined ? [] : [[...words, valued]]),
  ];
}

const asVerb = (command: ListedCommand): readonly (readonly string[])[] =>
  command.isGroup ? [[...command.words, 'bogus']] : usual(command);

test('what every command refuses is what golden/refusals-of-usage.txt shows', async () => {
  const sessions: string[] = [];
  for (const words of commands.flatMap(asVerb)) sessions.push(await session(words));
  for (const each of sessions)
    expect(each).toMatch(/\nFailed to [^\n]+\. Run activation[ a-z-]* --help\.\nexit code 2$/);
  await expect(`${sessions.join('\n\n')}\n`).toMatchFileSnapshot(goldenFile('refusals-of-usage.txt'));
});

const example = 'activation.yaml';
const audienceId = '0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a02';
const key = 'aHVzaC1odXNoLWh1c2gtaHVzaC1odXNo';
/** Names another hub than the option does; nothing listens there. */
const hub = `Endpoint=sb://127.0.0.1:1/;SharedAccessKeyName=sender;SharedAccessKey=${key};EntityPath=orders;UseDevelopmentEmulator=true`;
const otherHub = ['-c', hub, '-e', 'exports'] as const;
const sample = '../../../libs/audience-events/fixtures/known-customer.json';
/** Values that are wrong, and options that do not go together. */
const values: readonly (readonly string[])[] = [
  ['local', '--seeed', '1'],
  ['aep', 'rotate'],
  ['aep', 'rotate-key', 'now'],
  ['local', '--partitions', '0'],
  ['local', '--event-hubs-port', '70000'],
  ['local', '--activations', 'nowhere.yaml'],
  ['simulate', '--rate', 'fast'],
  ['simulate', '--print', '--start-at', 'yesterday'],
  ['event-hubs', '--event-hub', 'orders'],
  ['event-hubs', '--port', '0', '--event-hub', 'orders:33'],
  ['send', 'nowhere.json'],
  ['send', '--connection-string', 'nonsense', '-'],
  ['send', sample, ...otherHub],
  ['send', sample, ...otherHub, '--json'],
  ['simulate', '--count', '1', ...otherHub],
  ['lag', ...otherHub],
  ['canary', ...otherHub],
  ['send', hub],
  ['send', `--conection-string=${hub}`],
  [hub],
  ['send', example],
  ['inspect', sample, '-a', 'nowhere.yaml'],
  ['inspect', example, '-a', example],
  ['check', 'nowhere.yaml'],
  ['init', 'new'],
  ['init', 'new', '-d', 'webhook'],
  ['init', 'new', '-d', 'hubspott', '--audience', audienceId],
  ['init', 'new', '-d', 'fax', '--audience', audienceId],
  ['init', 'new', '-d', 'webhook', '--audience', `ups.${audienceId}`],
  ['init', '.', '-d', 'webhook', '--audience', audienceId],
  ['init', 'activation.yaml', '-d', 'webhook', '--audience', audienceId],
  ['dead-letters', 'list', '--from', 'yesterday'],
  ['dead-letters', 'list', '--class', 'two words'],
  ['dead-letters', 'list', '--connection-string', 'nonsense'],
  ['dead-letters', 'purge'],
  ['ledger', 'show', 'C-1', '-a', example],
  ['pause', 'receiver', '-a', example],
  ['pause', 'nobody', '-a', example, '--reason', 'x'],
  ['pause', '-a', example, '--reason', 'x'],
  ['pause', 'receiver', '-a', example, '--everything', '--reason', 'x'],
  ['pause', '-a', example, '--everything', '--audience', 'sports-fans', '--reason', 'x'],
  ['pause', 'receiver', '-a', example, '--audience', 'nobody', '--reason', 'x'],
  ['pause', 'receiver', '-a', example, '--reason', 'x', '--for', '5 minutes'],
  ['pause', 'receiver', '-a', example, '--reason', ' '],
  ['pause', 'receiver', '-a', example, '--reason', 'x', '--until', '2020-01-01'],
  ['retry-now', '-a', example],
  ['explain', 'C-1', '-a', example],
  ['explain', 'crmid:C-1'],
  ['forget', 'crmid:', '-a', example],
  ['resync', 'nobody', '-a', example],
  ['resync', 'receiver', '-a', example, '--audience', 'nobody'],
  ['resync', 'receiver', '-a', example],
  ['local', '--vendor'],
  ['local', '--vendor', '-a', example, '--data', 'kept'],
  ['local', '-a', example],
  ['inspect', 'nowhere.json', '-a', example],
  ['send', '-', '--rate', 'fast'],
  ['simulate', '--profiles', '0'],
  ['simulate', '--count', '-1'],
  ['canary', '--health', 'nonsense'],
  ['canary', '--data-storage', 'nonsense'],
  ['check', '--against', 'nowhere.json', example],
  ['destinations', 'describe', 'nobody'],
  ['destinations', 'probe'],
  ['dead-letters', 'list', '-e', 'dev', '-c', 'nonsense'],
  ['azure', 'up', '-e', 'Production'],
  ['aep', 'plan'],
  ['aep', 'plan', '-a', example],
  ['aep', 'status', '-a', example],
  ['aep', 'audiences', '--limit', '0'],
  ['plan', 'nowhere.yaml'],
  ['plan', '-a', 'nowhere.yaml'],
  ['retire', 'receiver', '-a', example],
  ['retire', 'nobody', '-a', example],
  ['event-hubs', '--port', 'any'],
  ['ledger', 'import', 'nowhere.ndjson'],
];

test('wrong values are refused as golden/refusals-of-values.txt shows in whole sentences', async () => {
  const sessions: string[] = [];
  for (const words of values) sessions.push(await session(words));
  for (const each of sessions) expect(each).toMatch(/^\$[^\n]+(?:\n[^\n]+)*[.}]\nexit code 2$/);
  const printed = sessions.flatMap((each) => each.split('\n').slice(1));
  expect(printed.filter((line) => line.includes(key))).toEqual([]);
  await expect(`${sessions.join('\n\n')}\n`).toMatchFileSnapshot(goldenFile('refusals-of-values.txt'));
});
