import { nearestWord } from '@activation-hub/activation-file';
import { referenceEntries, type ReferenceEntry } from '@activation-hub/activation-file/reference';
import type { DestinationDefinition } from '@activation-hub/destination-kit';
import { DestinationPackageError, destinationTypes, exampleOf, loadDestination } from '@activation-hub/destinations';
import type { Command } from 'commander';
import { stringify } from 'yaml';
import { z } from 'zod';
import { CommandError } from '../../terminal/command-error.ts';
import { report, type ReportOptions } from '../../terminal/reporter.ts';
import type { Terminal } from '../../terminal/terminal.ts';

export function addDescribeCommand(destinations: Command, terminal: Terminal): void {
  destinations
    .command('describe')
    .summary('what one kind takes')
    .description(
      'Shows every setting and term of a kind of destination with its meaning, default and example, and what to write into an activation file.',
    )
    .argument('<type>', 'as the activation file names it, such as webhook, or an installed package')
    .option('--json', 'prints one JSON object, with the JSON Schemas of settings and options')
    .addHelpText(
      'after',
      `
Examples:
  $ activation destinations describe webhook
  $ activation destinations describe hubspot --json | jq .settings.properties`,
    )
    .action((type: string, options: ReportOptions) => describe(type, options, terminal));
}

async function describe(type: string, options: ReportOptions, terminal: Terminal): Promise<void> {
  const definition = await definitionOf(type);
  const { title, description } = definition;
  const schemas = {
    settings: z.toJSONSchema(definition.settings, { io: 'input' }),
    options: z.toJSONSchema(definition.options, { io: 'input' }),
  };
  const fact = { event: 'destination', type, title, description, ...schemas };
  report(fact, () => wordsOf(type, definition, terminal.colors), options, terminal);
}

function wordsOf(type: string, definition: DestinationDefinition, { bold }: Terminal['colors']): readonly string[] {
  const { title, description, settings, options } = definition;
  const lines = [`${bold(title)}  ${description}`];
  for (const [name, where, schema] of [
    ['Settings', 'once per destination', settings],
    ['Options', 'per route', options],
  ] as const) {
    const entries = referenceEntries(schema);
    lines.push('', entries.length === 0 ? `${bold(name)}: none` : `${bold(name)} (${where})`);
    lines.push(...entries.flatMap((entry) => entryLines(entry, bold)));
  }
  const example = exampleLines(type, definition).map((line) => `  ${line}`);
  return [...lines, '', bold('In an activation file'), ...example];
}

/**
 * One kind of destination. Throws `CommandError` (2) where there is none of this type, or its
 * package cannot be used.
 */
export async function definitionOf(type: string): Promise<DestinationDefinition> {
  try {
    const definition = await loadDestination(type);
    if (definition !== undefined) return definition;
  } catch (error) {
    if (error instanceof DestinationPackageError) throw new CommandError(2, error.message, { cause: error });
    throw error;
  }
  const near = nearestWord(type, destinationTypes);
  throw new CommandError(
    2,
    `Failed to find the destination ${type}${near === undefined ? ': there' : `. Did you mean ${near}? There`} are ${destinationTypes.join(', ')}, installed packages such as @acme/activation-destination-pigeon, and your own such as own/pigeon.`,
  );
}

function entryLines(entry: ReferenceEntry, bold: (text: string) => string): readonly string[] {
  const presence = entry.default === undefined ? 'optional' : `default ${inline(entry.default)}`;
  return [
    `  ${bold(entry.path)}  ${entry.isRequired ? 'required' : presence}; ${entry.values}`,
    `      ${entry.meaning ?? ''}`,
    `      Example: ${entry.examples.map(inline).join(' or ')}`,
  ];
}

function exampleLines(type: string, { settings, options }: DestinationDefinition): readonly string[] {
  const route = { destination: 'my-destination', identity: ['email'], ...withOptions(exampleOf(options)) };
  const file = {
    version: 1,
    destinations: { 'my-destination': { type, settings: exampleOf(settings) } },
    audiences: { 'my-audience': { id: 'the id in AEP', activate: [route] } },
  };
  return stringify(file, { lineWidth: 0 }).trimEnd().split('\n');
}

const withOptions = (options: Readonly<Record<string, unknown>>) =>
  Object.keys(options).length === 0 ? {} : { options };

/** As one writes it in the activation file, on one line. */
const inline = (value: unknown): string => stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trim();
