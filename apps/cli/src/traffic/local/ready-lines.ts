import { counted } from '../../terminal/counted.ts';
import { localSide } from '../../aep/local-side.ts';
import { usualConnectionString } from './local-event-hub.ts';

export interface Ready {
  /** With the token; absent without a console. */
  readonly consoleUrl?: string;
  readonly eventHubsConnectionString: string;
  readonly eventHubName: string;
  readonly consumerGroup: string;
  readonly partitions: number;
  readonly storageConnectionString: string;
  readonly dataFolder?: string;
  /** What runs; gone at the end where it is a copy. */
  readonly activationFile: string;
  /** Of which that is a copy, or the same; edits of it are taken up. */
  readonly editedFile: string;
  readonly functions: readonly string[];
  readonly healthUrls: readonly string[];
  /** Of this process, of each worker; absent while a worker is not up. */
  readonly processIds: { readonly local: number; readonly workers: readonly number[] };
  readonly inspectPorts: readonly number[];
  readonly receiverUrl?: string;
  /** Destinations whose third party is a stand-in. */
  readonly standIns?: readonly string[];
  readonly simulator?: { readonly rate: number; readonly profiles: number; readonly seed: number };
  /** Where the stand-in of Adobe's side is; absent without it. */
  readonly aepUrl?: string;
  /** The activation file for `aep apply`, where it is not the example. */
  readonly aepFile?: string | undefined;
  readonly readyAfterMs: number;
}

/** An export that delivers with the example, from the folder of the repository. */
const sampleExport = 'libs/audience-events/fixtures/known-customer.json';
/**
 * Of the lines at the start: a terminal is at least so wide, and breaks a longer line within a
 * word.
 */
const columnsMax = 100;
const nameColumns = 17;

type Paint = (text: string) => string;

/**
 * What a person should know when everything runs, in lines that a terminal of 100 columns does not
 * break within a word.
 */
export function readyLines(ready: Ready, bold: Paint, dim: Paint): readonly string[] {
  const row = (name: string, text: string): string =>
    `  ${bold(name.padEnd(15))}${filled(text, columnsMax - nameColumns).join(`\n${' '.repeat(nameColumns)}`)}`;
  const { simulator, dataFolder } = ready;
  const isUsual = ready.eventHubsConnectionString === usualConnectionString;
  return [
    bold('Activation Hub runs on this machine.'),
    '',
    ...(ready.consoleUrl === undefined ? [] : [row('Console', ready.consoleUrl), '']),
    row(
      'Event Hubs',
      `${ready.eventHubName}, ${counted(ready.partitions, 'partition')}, consumer group ${ready.consumerGroup}`,
    ),
    row('Storage', dataFolder === undefined ? 'in memory; --data <folder> keeps it' : `kept in ${dataFolder}`),
    row('Handler', `${ready.functions.join(', ')}; ${counted(ready.processIds.workers.length, 'worker')}`),
    ...ready.healthUrls.map((url) => row('', url)),
    ...ready.inspectPorts.map((port) => row('', `debugger on 127.0.0.1:${port}: F5 in VS Code, or chrome://inspect`)),
    row('Activations', ready.editedFile),
    ...(ready.receiverUrl === undefined
      ? []
      : [row('', 'a copy of apps/cli/examples/activation.yaml, deleted at the end; your edits take effect at once')]),
    ...(ready.receiverUrl === undefined ? [] : [row('Receiver', `${ready.receiverUrl} stands for a third party`)]),
    ...(ready.standIns === undefined
      ? []
      : [row('Stand-ins', `${ready.standIns.join(', ') || 'none'}; no third party is called`)]),
    row(
      'Simulator',
      simulator === undefined
        ? ready.aepUrl === undefined
          ? 'off'
          : 'off: AEP exports'
        : `${simulator.rate} exports per second of ${counted(simulator.profiles, 'profile')}, seed ${simulator.seed}`,
    ),
    '',
    row('Connection', ready.eventHubsConnectionString),
    ...aepRows(ready, isUsual, row),
    '',
    row('Send yourself', `npx activation send ${sampleExport}`),
    ...(isUsual ? [] : [row('', 'with EVENT_HUB_CONNECTION_STRING set to the connection above')]),
    row('Use your file', 'npx activation local --activations my-activations.yaml'),
    row('End', 'Ctrl-C'),
    '',
    dim(`Ready after ${(ready.readyAfterMs / 1000).toFixed(1)} s.`),
    dim('in:  a change that needed no request, and why'),
    dim('out: a change that the hub sent to a destination, and the answer'),
    '',
  ];
}

/** What stands for AEP, and what to run so that it exports. */
function aepRows(
  { aepUrl, aepFile, eventHubsConnectionString }: Ready,
  isUsual: boolean,
  row: (name: string, text: string) => string,
): readonly string[] {
  if (aepUrl === undefined) return [];
  const words = `--local${aepFile === undefined ? '' : ` -a ${aepFile}`}`;
  const [hubUrl = ''] = /sb:\/\/[^/;]+/.exec(eventHubsConnectionString) ?? [];
  const isUsualSide = aepUrl === `http://127.0.0.1:${localSide.port}`;
  return [
    '',
    row('AEP', `${aepUrl} stands for it, and exports when there is a dataflow. In another terminal:`),
    row('', `npx activation aep plan ${words}`),
    row('', `npx activation aep apply ${words}`),
    ...(isUsualSide ? [] : [row('', `with AEP_PLATFORM_URL set to ${aepUrl}`)]),
    ...(isUsual ? [] : [row('', `with AEP_EVENT_HUBS_URL set to ${hubUrl}`)]),
  ];
}

/**
 * The text in lines of at most so many characters, parted between words; a longer word has a line
 * of its own.
 */
function filled(text: string, charactersMax: number): readonly string[] {
  const filledLines: string[] = [];
  for (const word of text.split(' ')) {
    const longer = `${filledLines.at(-1) ?? ''} ${word}`;
    if (filledLines.length > 0 && longer.length <= charactersMax) filledLines[filledLines.length - 1] = longer;
    else filledLines.push(word);
  }
  return filledLines;
}
