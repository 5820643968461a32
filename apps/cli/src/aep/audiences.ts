import type { Audience } from '@activation-hub/flow-service';
import type { Command } from 'commander';
import { loadActivations } from '../activation-file/activations.ts';
import { wholeNumber } from '../terminal/arguments.ts';
import { audienceKeys } from '../activation-file/audience-keys.ts';
import { CommandError } from '../terminal/command-error.ts';
import { report, type Besides } from '../terminal/reporter.ts';
import { tableLines } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';
import {
  addActivationFileOption,
  chooseActivationFile,
  type ActivationFileOptions,
} from '../activation-file/activation-file-options.ts';
import { adobeVariablesHelp, openAdobe, withAdobe, type AdobeAccess } from '../environment/adobe-access.ts';
import { oneLine, writeAudienceNames } from '../activation-file/audience-names.ts';

interface AudiencesOptions extends ActivationFileOptions {
  readonly search?: string;
  readonly limit: number;
  readonly yaml?: true;
  readonly writeNames?: true;
  readonly json?: true;
}

export function addAudiencesCommand(aep: Command, terminal: Terminal): void {
  addActivationFileOption(
    aep
      .command('audiences')
      .summary('lists the audiences of the sandbox')
      .description('Lists the audiences of the sandbox, those that were changed last first.'),
  )
    .option('--environment <name>', 'the activation file of this environment, for --write-names')
    .option('--search <text>', 'only those with this text in their name, in any case')
    .option('--limit <number>', 'so many at most', wholeNumber(1, 50_000), 200)
    .option('--yaml', 'prints entries to paste under audiences: in an activation file')
    .option('--write-names', "writes the names of the file's audiences to <environment>.names.json beside it")
    .option('--json', 'prints one JSON object per audience')
    .addHelpText(
      'after',
      `${adobeVariablesHelp}

Examples:
  $ activation aep audiences
  $ activation aep audiences --search sports --yaml
  $ activation aep audiences --write-names --activations apps/handler/activations/prod.yaml`,
    )
    .action((options: AudiencesOptions) => runAudiences(options, terminal));
}

async function runAudiences(options: AudiencesOptions, terminal: Terminal): Promise<void> {
  if (options.json && options.yaml) {
    throw new CommandError(2, 'Failed to choose what to print: give --json or --yaml, not both.');
  }
  const adobe = openAdobe(terminal);
  await withAdobe(terminal, async () => {
    if (options.writeNames) await writeNames(options, adobe, terminal);
    else await listAudiences(options, adobe, terminal);
  });
}

async function writeNames(options: AudiencesOptions, { client }: AdobeAccess, terminal: Terminal): Promise<void> {
  const chosen = chooseActivationFile(options, terminal);
  const file = await loadActivations(chosen.path, terminal);
  const ids = [...file.audiences.values()].map(({ id }) => id);
  const known = await client.audiences.get(ids, terminal.interrupted);
  const path = await writeAudienceNames(chosen, file, known, terminal);
  report(
    { event: 'names-written', path, names: known.size },
    () => `Wrote the names of ${known.size} of ${ids.length} audiences to ${path}.`,
    options,
    terminal,
  );
}

async function listAudiences(
  options: AudiencesOptions,
  { client, sandbox }: AdobeAccess,
  terminal: Terminal,
): Promise<void> {
  const { search, limit } = options;
  // One more than is shown tells whether there are more.
  const listed = await client.audiences.list({
    ...(search === undefined ? {} : { name: search }),
    itemsMax: limit + 1,
    signal: terminal.interrupted,
  });
  const audiences = listed.slice(0, limit);
  const more =
    listed.length > limit ? `There are more than these ${limit}: narrow it with --search, or give --limit.` : '';
  for (const audience of audiences) report({ event: 'audience', ...audience }, () => [], options, terminal);
  report(
    { event: 'listed', sandbox, audiences: audiences.length, more: more !== '' },
    () => [...listWords(audiences, sandbox, options, terminal.colors), ...(more === '' ? [] : [{ besides: more }])],
    options,
    terminal,
  );
}

function listWords(
  audiences: readonly Audience[],
  sandbox: string,
  { search, yaml }: AudiencesOptions,
  { bold }: Terminal['colors'],
): readonly (string | Besides)[] {
  if (audiences.length === 0) {
    const which = search === undefined ? '' : ` with "${search}" in its name`;
    return [{ besides: `The sandbox ${sandbox} has no audience${which}.` }];
  }
  if (yaml) return yamlLines(audiences);
  const [head = '', ...rows] = tableLines([
    ['id', 'name', 'evaluation', 'state', 'from'],
    ...audiences.map(({ id, name, evaluation, lifecycleState, namespace }) => [
      id,
      oneLine(name),
      evaluation.join(', ') || '–',
      lifecycleState || '–',
      namespace || '–',
    ]),
  ]);
  return [bold(head), ...rows];
}

/** Entries of `audiences:`, with keys made of the names, each once. */
function yamlLines(audiences: readonly Audience[]): readonly string[] {
  const keys = audienceKeys(audiences.map(({ name }) => name));
  // Every JSON string is a YAML string.
  return audiences.flatMap(({ id, name }, index) => [
    `  ${keys[index] ?? ''}:`,
    `    id: ${JSON.stringify(id)}`,
    `    name: ${JSON.stringify(oneLine(name))}`,
    '    activate: []',
  ]);
}
