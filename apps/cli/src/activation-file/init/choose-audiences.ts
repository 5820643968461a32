import { randomUUID } from 'node:crypto';
import type { Audience } from '@activation-hub/flow-service';
import { oneLine } from '../audience-names.ts';
import { openAdobe, withAdobe } from '../../environment/adobe-access.ts';
import { audienceKeys } from '../audience-keys.ts';
import { CommandError } from '../../terminal/command-error.ts';
import { tableLines } from '../../terminal/table.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import type { NewAudience } from './new-hub.ts';

/** So many are offered at once; the others are found by their name. */
const offeredMax = 20;

type Chosen = Omit<NewAudience, 'key'>;

/**
 * The audiences that are named, by id or, where Adobe can be asked, by name; else those that the
 * person at the terminal chooses. Throws `CommandError` (2) when a name is not that of one
 * audience, and when no audience is named and there is no terminal to ask at.
 */
export async function chooseAudiences(named: readonly string[], terminal: Terminal): Promise<readonly NewAudience[]> {
  const isConnected = (terminal.environment.AEP_CLIENT_ID ?? '') !== '';
  const chosen = isConnected
    ? await withAdobe(terminal, () => chooseFromAdobe(named, terminal))
    : await choosePasted(named, terminal);
  const unique = [...new Map(chosen.map((audience) => [audience.id, audience])).values()];
  const keys = audienceKeys(unique.map(({ name }) => name ?? 'my-audience'));
  return unique.map((audience, index) => ({ key: keys[index] ?? '', ...audience }));
}

async function chooseFromAdobe(named: readonly string[], terminal: Terminal): Promise<readonly Chosen[]> {
  const { client, sandbox } = openAdobe(terminal);
  const listed = await client.audiences.list({ itemsMax: offeredMax, signal: terminal.interrupted });
  const find = async (word: string): Promise<Chosen> => {
    const offered = /^\d{1,2}$/.test(word) && named.length === 0 ? listed[Number(word) - 1] : undefined;
    if (offered !== undefined) return chosenOf(offered);
    const byId = (await client.audiences.get([word], terminal.interrupted)).get(word);
    if (byId !== undefined) return chosenOf(byId);
    return chosenOf(theOne(word, sandbox, await client.audiences.list({ name: word, signal: terminal.interrupted })));
  };
  const words = named.length > 0 ? named : await askWhich(listed, sandbox, terminal);
  const found: Chosen[] = [];
  for (const word of words) found.push(await find(word));
  return found;
}

function theOne(word: string, sandbox: string, found: readonly Audience[]): Audience {
  const exact = found.filter(({ name }) => name.toLowerCase() === word.toLowerCase());
  const [first, ...others] = exact.length > 0 ? exact : found;
  if (first !== undefined && others.length === 0) return first;
  const why =
    first === undefined
      ? `the sandbox ${sandbox} has no audience with that id or name`
      : `${others.length + 1} audiences of the sandbox ${sandbox} have it in their name`;
  throw new CommandError(
    2,
    `Failed to find the audience ${word}: ${why}. activation aep audiences lists them with their ids.`,
  );
}

const chosenOf = ({ id, name }: Audience): Chosen => ({ id, ...(oneLine(name) === '' ? {} : { name: oneLine(name) }) });

async function askWhich(listed: readonly Audience[], sandbox: string, terminal: Terminal): Promise<readonly string[]> {
  if (terminal.ask === undefined) throw notNamed();
  terminal.say(`Audiences of the sandbox ${sandbox}, those that were changed last first:`);
  for (const line of tableLines(listed.map(({ id, name }, index) => [String(index + 1), oneLine(name), id]))) {
    terminal.say(`  ${line}`);
  }
  const words = splitAnswer(await terminal.ask('Which? Numbers, names or ids, with commas between: '));
  if (words.length === 0) throw notNamed();
  return words;
}

async function choosePasted(named: readonly string[], terminal: Terminal): Promise<readonly Chosen[]> {
  if (named.length > 0) return named.map((id) => ({ id }));
  if (terminal.ask === undefined) throw notNamed();
  const words = splitAnswer(
    await terminal.ask('Ids of audiences, as AEP shows them, with commas between (Enter makes one up): '),
  );
  return words.length > 0 ? words.map((id) => ({ id })) : [{ id: randomUUID() }];
}

const splitAnswer = (answer: string): readonly string[] =>
  answer
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');

const notNamed = (): CommandError =>
  new CommandError(
    2,
    'Failed to choose audiences: none is named. Give --audience with the id that AEP shows, once for each; with the AEP_… variables set, a name will do.',
  );
