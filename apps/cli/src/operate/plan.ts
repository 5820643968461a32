import { planFile, type FilePlan, type LeftBehind, type PlannedRoute } from '@activation-hub/activation';
import { createMatcher } from '@activation-hub/activation-file';
import type { Command } from 'commander';
import { addActivationFileOption } from '../activation-file/activation-file-options.ts';
import { loadChosenActivations } from '../activation-file/activations.ts';
import { counted } from '../terminal/counted.ts';
import {
  addDataStorageOption,
  withDataStorage,
  type DataStorage,
  type DataStorageOptions,
} from '../environment/data-storage.ts';
import { report } from '../terminal/reporter.ts';
import { tableLines } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { refuseUnreadableRows } from './unreadable-rows.ts';

interface PlanOptions extends DataStorageOptions {
  readonly activations?: string;
  readonly markdown?: true;
  readonly json?: true;
}

export function addPlanCommand(program: Command, terminal: Terminal): void {
  addActivationFileOption(addDataStorageOption(program.command('plan')))
    .summary('compares an activation file with what destinations were told, before it is deployed')
    .description(
      'Compares an activation file with the ledger of an environment: which routes are new, and from where they can be filled; which destinations, audiences and routes are not in the file any more although members are left there; which members stand under identities that their route does not accept any more. It reads every row of the ledger, and changes nothing.',
    )
    .option('--markdown', 'prints Markdown, for the comment of a pull request')
    .option('--json', 'prints one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  $ activation plan --activations my-activations.yaml
  $ activation plan --environment dev --markdown`,
    )
    .action((options: PlanOptions) =>
      withDataStorage(options, terminal, (storage) => runPlan(options, storage, terminal)),
    );
}

async function runPlan(options: PlanOptions, { ledger }: DataStorage, terminal: Terminal): Promise<void> {
  const { file } = await loadChosenActivations(options, terminal);
  const plan = await planFile({ file, matcher: createMatcher(file), ledger }, terminal.interrupted);
  const words = options.markdown ? markdownOf : proseOf;
  report({ event: 'planned', ...plan }, () => words(plan), options, terminal);
  refuseUnreadableRows(plan.unreadable, 'The plan leaves out members.');
}

function proseOf({ routes, leftBehind }: FilePlan): readonly string[] {
  const rows = routes.map((route) => [
    `${route.audience} → ${route.destination}`,
    route.mode,
    route.isNew ? 'new' : memberCount(route.members),
    notesOf(route).join(' '),
  ]);
  const behind = leftBehind.map((each) => [nameOf(each), memberCount(each.members), whyOf(each)]);
  return [
    routes.length === 0 ? 'The file has no routes.' : 'Routes',
    ...tableLines(rows).map((line) => `  ${line}`),
    leftBehind.length === 0 ? 'No member is left behind.' : 'Left behind',
    ...tableLines(behind).map((line) => `  ${line}`),
  ];
}

function markdownOf({ routes, leftBehind }: FilePlan): readonly string[] {
  const cells = (...values: readonly string[]): string =>
    `| ${values.map((value) => value.replaceAll('|', String.raw`\|`)).join(' | ')} |`;
  return [
    '### Activation plan',
    '',
    cells('audience', 'destination', 'mode', 'members', ''),
    cells('---', '---', '---', '---', '---'),
    ...routes.map((route) =>
      cells(
        route.audience,
        route.destination,
        route.mode,
        route.isNew ? 'new' : String(route.members),
        notesOf(route).join(' '),
      ),
    ),
    '',
    leftBehind.length === 0 ? 'No member is left behind.' : '**Left behind**',
    ...(leftBehind.length === 0 ? [] : ['', cells('where', 'members', ''), cells('---', '---', '---')]),
    ...leftBehind.map((each) => cells(nameOf(each), String(each.members), whyOf(each))),
  ];
}

export function notesOf(route: PlannedRoute): readonly string[] {
  const { audience, destination, mode, members, isNew, fillFrom, otherNamespaces } = route;
  const [from] = fillFrom;
  const fill =
    from === undefined
      ? 'AEP sends its members when the audience is mapped, and not again for another route: members enter with their next export.'
      : `AEP does not send its members again; ${from.destination} has ${memberCount(from.members)}: activation resync ${destination} --audience ${audience} --from ${from.destination}`;
  const others = Object.entries(otherNamespaces).map(
    ([namespace, count]) => `${memberCount(count)} by ${namespace}, which the route does not accept any more.`,
  );
  return [
    ...(isNew && mode === 'live' ? [fill] : []),
    ...(mode === 'retired' && members > 0
      ? [`Take them out after the deployment: activation retire ${destination} --audience ${audience}`]
      : []),
    ...others,
  ];
}

export function nameOf({ destination, audience: { namespace, id } }: LeftBehind): string {
  return `${destination}, audience ${namespace} ${id}`;
}

export function whyOf({ because, destination, audience, perhapsNow }: LeftBehind): string {
  const putBack = 'Else put it back with mode: retired, deploy, and run activation retire.';
  const formerly = (name: string): string =>
    perhapsNow.length === 0 ? '' : ` If it is called ${perhapsNow.join(' or ')} now, write formerly: ${name} there.`;
  switch (because) {
    case 'no-destination':
      return `The file does not have this destination any more.${formerly(destination)} ${putBack}`;
    case 'no-audience':
      return `The file does not have this audience any more.${formerly(audience.id)} ${putBack}`;
    case 'no-route':
      return `The file does not route this audience there any more. ${putBack.replace('Else put', 'Put')}`;
  }
}

export function memberCount(members: number): string {
  return counted(members, 'member');
}
