import { expect, test } from 'vitest';
import { commandFaults, commandsOf } from './operator-commands.ts';
import { repositoryFiles } from './repository.ts';

const pages = repositoryFiles().filter(({ path }) =>
  /^docs\/operating\/(?:runbooks\/.*|disaster|upgrades|organisation|costs)\.md$/.test(path),
);
const commands = pages.flatMap(({ path, text }) => commandsOf(text).map((command) => ({ path, command })));

test('every page has something to run', () => {
  const without = pages.filter(({ text }) => commandsOf(text).length === 0 && !text.includes('```kusto'));
  expect(without.map(({ path }) => path)).toEqual([]);
  expect(commands.length).toBeGreaterThan(30);
});

test(
  'every command of an operator’s page is one that there is, with options that it has',
  { timeout: 300_000 },
  async () => {
    const found: string[] = [];
    for (const { path, command } of commands) {
      for (const fault of await commandFaults(command)) found.push(`${path}: ${fault}: ${command}`);
    }
    expect(found).toEqual([]);
  },
);

test.each([
  ['npx activation dead-letters lists --environment prod', 'activation dead-letters needs one of its verbs'],
  ['npx activation dead-letters list --enviroment prod', 'activation dead-letters list has no --enviroment'],
  ['npx activation nothing', 'activation has no nothing'],
  ['az functionapp show --nam x', 'az functionapp show has no --nam'],
  ['az vm start --ids x', 'az vm start is not among the commands that we looked up (azCommands)'],
  ['gh workflow run operate.yml -f action=roll', 'action of operate.yml is never roll'],
  ['gh workflow run operate.yml -f acton=preview', 'operate.yml has no input acton'],
  ['gh workflow run nothing.yml', 'there is no workflow nothing.yml that is started by hand'],
  ['gh run list --workflow nothing.yml', 'there is no workflow nothing.yml'],
  ['pulumi -C infra stack output healthUri --stack prod', 'the stack has no output healthUri'],
  ['curl "$(pulumi -C infra stack output healthUri --stack prod)"', 'the stack has no output healthUri'],
  ['pulumi -C infra config set retention 168 --stack prod', 'the stack has no key retention'],
  ['node tools/nothing.ts', 'tools/nothing.ts does not exist'],
])('control: %s is found', async (command, fault) => {
  expect(await commandFaults(command)).toEqual([fault]);
});

test('control: what bash cannot read is found', async () => {
  expect(await commandFaults('curl "unfinished')).toHaveLength(1);
});

test('commands are the lines of blocks and what stands in backticks', () => {
  const page =
    'Run `npx activation check` or\n\n```\n$ az login   # first\nprinted words\ngit push \\\n  origin\n```\n\n```kusto\naz foo\n```\n`gh`';
  expect(commandsOf(page)).toEqual(['az login', 'git push    origin', 'npx activation check']);
});
