import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildProfileExport, encodeProfileExport } from '@activation-hub/audience-events/testing';
import { expect, test } from 'vitest';
import { aepEnvironment, audience, audienceIds } from '../../testing/aep-environment.ts';
import { capturedTerminal } from '../../testing/captured-terminal.ts';
import { run } from '../main.ts';

const [a = '', b = ''] = audienceIds;

test(
  'audiences are listed over several pages, searched, and given as JSON and as YAML',
  { timeout: 300_000 },
  async () => {
    const started = await aepEnvironment({ pageSizeMax: 2 });
    const table = await started.aep('audiences');
    expect(table.errors).toBe('');
    expect(table.output).toMatch(/^id +name +evaluation +state +from\n/);
    expect(table.output).toMatch(new RegExp(`^${a} +Sports Fans +streaming +published +AEPSegments$`, 'm'));
    expect(table.output.trim().split('\n')).toHaveLength(4);

    const limited = await started.aep('audiences', '--limit', '2');
    expect(limited.output.trim().split('\n')).toHaveLength(3);
    expect(limited.errors).toContain('There are more than these 2');

    const yaml = await started.aep('audiences', '--search', 'KÄUFE', '--yaml');
    expect(yaml.output).toBe(
      `  gro-e-kaufe:\n    id: "${audienceIds[2] ?? ''}"\n    name: "Große Käufe"\n    activate: []\n`,
    );

    const json = await started.aep('audiences', '--search', 'new', '--json');
    expect(
      json.output
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as object),
    ).toMatchObject([
      { event: 'audience', id: b, name: 'Newcomers', evaluation: ['streaming'] },
      { event: 'listed', audiences: 1, more: false },
    ]);
    expect((await started.aep('audiences', '--search', 'nobody')).errors).toContain('has no audience with "nobody"');
  },
);

test('a name cannot move the cursor, and names that give the same key get a number', async () => {
  const names = ['Fans\u001b[2J', 'Fans ', '123'];
  const started = await aepEnvironment({ audiences: names.map((name, index) => ({ id: `id-${index}`, name })) });
  const table = await started.aep('audiences');
  expect(table.output).not.toContain('\u001b');
  const yaml = await started.aep('audiences', '--yaml');
  expect(yaml.output.match(/^ {2}\S+:$/gm)).toEqual(['  fans-2j:', '  fans:', '  audience:']);
});

test(
  'the names of a file’s audiences are written beside it, sorted and the same every time',
  { timeout: 300_000 },
  async () => {
    const started = await aepEnvironment();
    await started.writeFile([audience('new', b), audience('fans', a), audience('gone', 'nowhere')].join('\n'));
    const write = () => started.aep('audiences', '--write-names', '-a', 'dev.yaml');
    const first = await write();
    expect(first.output).toBe('Wrote the names of 2 of 3 audiences to dev.names.json.\n');
    const path = join(started.folder, 'dev.names.json');
    const text = await readFile(path, 'utf8');
    expect(text).toBe(`{\n  "${a}": "Sports Fans",\n  "${b}": "Newcomers"\n}\n`);
    await write();
    expect(await readFile(path, 'utf8')).toBe(text);

    const check = await started.activation(['check', 'dev.yaml']);
    expect(check.output).toMatch(
      /audience +name in AEP +destination.*\n +new +Newcomers +crm.*\n +fans +Sports Fans +crm.*\n +gone +– +crm/,
    );
    expect(check.code).toBe(0);

    const event = buildProfileExport({
      memberships: [{ audienceId: a, qualifiedAtMs: 0 }],
      identities: { email: ['x@example.com'] },
    });
    await writeFile(join(started.folder, 'event.json'), encodeProfileExport(event));
    const inspected = await started.activation(['inspect', 'event.json', '-a', 'dev.yaml']);
    expect(inspected.output).toMatch(/^ +fans "Sports Fans" +→ crm +realized +entered/m);

    await writeFile(path, '[1]');
    const broken = await started.activation(['check', 'dev.yaml']);
    expect(broken.errors).toMatch(/^Failed to read dev\.names\.json: it is no JSON object of names\. Delete it/);
    expect(broken.code).toBe(2);
  },
);

test('without its variables a verb names all that are missing', async () => {
  const terminal = capturedTerminal({ environment: { AEP_ORG_ID: 'x@AdobeOrg' } });
  expect(await run(['aep', 'audiences'], terminal)).toBe(2);
  expect(terminal.said.join('')).toMatch(
    /^Failed to sign in to Adobe: AEP_CLIENT_ID, AEP_CLIENT_SECRET, AEP_SANDBOX are not set\./,
  );
});

const wrongUsages: readonly (readonly [words: readonly string[], sentence: string])[] = [
  [['bogus'], 'unknown command'],
  [['audiences', '--limit', '0'], 'It must be a whole number from 1 to 50000'],
  [['audiences', '--json', '--yaml'], 'give --json or --yaml, not both'],
  [['audiences', '--write-names'], 'give --activations <file>, or --environment'],
  [['plan', '-a', 'dev.yaml', '--event-hub', 'exports'], '--namespace, --sas-key-name are missing'],
  [['apply', '--environment', 'dev'], 'Failed to find apps/handler/activations/dev.yaml'],
  [['rotate-key', '--settle-seconds', '0'], 'It must be a whole number from 1 to 86400'],
  [['emulator', '--port', '70000'], 'It must be a whole number from 0 to 65535'],
];

test('wrong usage exits with 2 and one sentence', async () => {
  const started = await aepEnvironment();
  await started.writeFile(audience('fans', a));
  for (const [words, sentence] of wrongUsages) {
    const { code, output, errors } = await started.aep(...words);
    expect(errors).toContain(sentence);
    expect(errors).not.toMatch(/\n\s+at /);
    expect({ code, output }).toEqual({ code: 2, output: '' });
  }
});

test('every verb has help with examples and --json', async () => {
  const started = await aepEnvironment();
  const help = await started.aep('--help');
  const verbs = [...help.output.matchAll(/^ {2}([a-z-]+)(?: \[options\])? {2}/gm)].map(([, verb]) => verb ?? '');
  expect(verbs).toEqual(expect.arrayContaining(['audiences', 'plan', 'apply', 'rotate-key', 'emulator']));
  for (const verb of verbs.filter((name) => name !== 'help')) {
    const { code, output } = await started.aep(verb, '--help');
    expect(output).toContain(`Examples:\n  $ activation aep ${verb}`);
    expect(output).toContain('--json');
    expect(code).toBe(0);
  }
});
