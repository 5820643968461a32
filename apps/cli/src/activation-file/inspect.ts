import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { createMatcher, type ActivationFile } from '@activation-hub/activation-file';
import { systemClock } from '@activation-hub/delivery';
import { inspect, type InspectedDecision, type Inspection } from '@activation-hub/activation';
import { silentTelemetry } from '@activation-hub/telemetry';
import type { Command } from 'commander';
import { audienceNamesByKey } from './audience-names.ts';
import { loadActivations } from './activations.ts';
import { CommandError } from '../terminal/command-error.ts';
import { counted } from '../terminal/counted.ts';
import { dryRunTargets, type DryRunTargets, type RecordedRequest } from './dry-run-targets.ts';
import { fileFailure } from '../terminal/file-failure.ts';
import { report } from '../terminal/reporter.ts';
import { tableLines } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';

interface InspectOptions {
  readonly activations: string;
  readonly json?: true;
}

export function addInspectCommand(program: Command, terminal: Terminal): void {
  program
    .command('inspect')
    .summary('shows what the hub would do with one event')
    .description(
      'A dry run: shows what each stage makes of one event, and the requests that it would send if the ledger were empty. The requests go to local stand-ins of the vendors: ids that a vendor would give are made up. Calls no third party, needs no secret and shows none. What it shows is personal data, as the event is.',
    )
    .argument('<event>', 'file with the body of one event; - is standard input')
    .requiredOption('-a, --activations <file>', 'activation file')
    .option('--json', 'prints one JSON object')
    .addHelpText(
      'after',
      `
Exits with 2 when nothing in the event can be read.

Examples:
  $ activation inspect export.json --activations my-activations.yaml
  $ activation simulate --print --count 1 | activation inspect - -a my-activations.yaml --json`,
    )
    .action((event: string, options: InspectOptions) => runInspect(event, options, terminal));
}

async function runInspect(event: string, options: InspectOptions, terminal: Terminal): Promise<void> {
  const { activations } = options;
  const file = await loadActivations(activations, terminal);
  const body = await readBody(event, terminal);
  const { inspection, dryRun } = await inspectBody(body, file, terminal.interrupted);
  const { decisions } = inspection;
  const { requests, printed, notShown } = dryRun;
  const names = await audienceNamesByKey(activations, file, terminal);
  const { colors } = terminal;
  report(
    { event: 'inspected', ...inspection, decisions, requests, printed, notShown },
    () => [
      ...stageWords(inspection, colors),
      ...decisionWords(decisions, names, colors),
      ...requestWords(dryRun, colors),
    ],
    options,
    terminal,
  );
  if (inspection.exports.length === 0) {
    throw new CommandError(
      2,
      `Failed to read ${event === '-' ? 'standard input' : event} as an event of AEP: the hub would keep it as a dead letter. Correct the problems that are listed above.`,
    );
  }
}

/**
 * What each stage would make of the body of one event, with the requests, which stand-ins on this
 * machine answer.
 */
export async function inspectBody(
  body: Uint8Array,
  file: ActivationFile,
  signal: AbortSignal,
): Promise<{ readonly inspection: Inspection; readonly dryRun: Omit<DryRunTargets, 'targets' | 'close'> }> {
  const dryRun = await dryRunTargets(file, systemClock);
  const inspection = await inspect(body, {
    matcher: createMatcher(file),
    targets: dryRun.targets,
    // Nothing happens in a dry run, so there is nothing to report.
    telemetry: silentTelemetry,
    clock: systemClock,
    signal,
  }).finally(() => dryRun.close());
  // The answers are those of stand-ins, so they say nothing.
  return { inspection: { ...inspection, decisions: inspection.decisions.map(withoutResult) }, dryRun };
}

function withoutResult(decision: InspectedDecision): InspectedDecision {
  const copy: { -readonly [Key in keyof InspectedDecision]: InspectedDecision[Key] } = { ...decision };
  delete copy.result;
  return copy;
}

async function readBody(event: string, { stdin, folder }: Terminal): Promise<Buffer> {
  if (event === '-') return buffer(stdin);
  try {
    return await readFile(resolve(folder, event));
  } catch (error) {
    throw fileFailure('read', event, error);
  }
}

/** So many audiences that are not routed are shown one by one; a busy profile has hundreds. */
const notRoutedMax = 10;

function stageWords({ exports, unreadable }: Inspection, colors: Terminal['colors']): readonly string[] {
  const lines: string[] = [];
  lines.push(
    `${colors.bold('1 read')}     ${counted(exports.length, 'profile export')}, ${unreadable.length} unreadable`,
  );
  for (const { path, code, message } of unreadable) lines.push(`  ${colors.red(code)} at ${path}: ${message}`);
  lines.push(colors.bold('2 route'));
  for (const { path, audiences, routedAudiences, notRouted } of exports) {
    lines.push(
      `  ${path}  ${routedAudiences} of ${counted(audiences, 'audience')} ${routedAudiences === 1 ? 'is' : 'are'} routed`,
    );
    for (const { namespace, id, because } of notRouted.slice(0, notRoutedMax))
      lines.push(`    ${colors.dim(`not routed: ${namespace} ${id}. ${because}`)}`);
    if (notRouted.length > notRoutedMax)
      lines.push(`    ${colors.dim(`and ${notRouted.length - notRoutedMax} more; --json shows all`)}`);
  }
  lines.push(colors.bold('3 resolve'));
  for (const { path, identities } of exports) {
    const values = Object.entries(identities).map(([namespace, number]) => `${number} ${namespace}`);
    lines.push(`  ${path}  identities: ${values.join(', ') || 'none'}`);
  }
  return lines;
}

function decisionWords(
  decisions: readonly InspectedDecision[],
  names: Readonly<Record<string, string>>,
  colors: Terminal['colors'],
): readonly string[] {
  const lines = [colors.bold('4 decide')];
  if (decisions.length === 0) lines.push('  nothing: no audience of the event is routed');
  const rows = decisions.map(({ audience, destination, mode, status, decision, change, because }) => [
    names[audience] === undefined ? audience : `${audience} "${names[audience]}"`,
    `→ ${destination}${mode === 'live' ? '' : ` (${mode})`}`,
    status,
    decision,
    change === undefined ? '' : `${change.identity.namespace} ${change.identity.value}`,
    because,
  ]);
  for (const [index, line] of tableLines(rows).entries()) {
    lines.push(`  ${line}`);
    for (const { name, path } of decisions[index]?.absentAttributes ?? [])
      lines.push(`    ${colors.yellow('absent')}  ${name}: the profile has nothing at ${path}`);
  }
  return lines;
}

function requestWords(
  { requests, printed, notShown }: Omit<DryRunTargets, 'targets' | 'close'>,
  colors: Terminal['colors'],
): readonly string[] {
  const lines = [colors.bold('5 tell')];
  if (requests.length + printed.length === 0) lines.push('  no request would be sent');
  for (const request of requests) lines.push(...requestLines(request, colors));
  for (const { destination, line } of printed) lines.push(`  ${colors.cyan(destination)}  prints: ${line}`);
  for (const { destination, reason } of notShown)
    lines.push(`  ${colors.yellow(destination)}  cannot be shown: ${reason}`);
  return lines;
}

/** A request that would be sent, for a person who reads it. */
export function requestLines(
  {
    destination,
    method,
    url,
    headers,
    body,
  }: Pick<RecordedRequest, 'destination' | 'url' | 'headers' | 'body'> & {
    readonly method: string;
  },
  colors: Terminal['colors'],
): readonly string[] {
  return [
    `  ${colors.cyan(destination)}  ${method} ${url}`,
    ...Object.entries(headers).map(([name, value]) => `    ${colors.dim(`${name}: ${value}`)}`),
    ...readable(body ?? '')
      .split('\n')
      .map((line) => `    ${line}`),
  ];
}

/** JSON with indents; anything else as it is. */
function readable(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), undefined, 2);
  } catch {
    return body;
  }
}
