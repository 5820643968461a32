import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { ActivationFile } from '@activation-hub/activation-file';
import { systemClock } from '@activation-hub/delivery';
import { loadActivations } from '../../activation-file/activations.ts';
import { CommandError, reasonOf } from '../../terminal/command-error.ts';
import { Breakables } from '../../console/breakable.ts';
import { serveLocalConsole, type LocalConsole } from '../../console/local-console.ts';
import { startObserving, type Observing, type Watched } from '../../console/observing.ts';
import { buildPage } from '../../console/page-files.ts';
import { Tenant } from '../../console/played-tenant.ts';
import { openEventSender, type EventSender } from '../event-sender.ts';
import { aborted, type Terminal } from '../../terminal/terminal.ts';
import { startAdobeSide, type AdobeSide } from './adobe-side.ts';
import { Cleanups } from './cleanups.ts';
import { followEdits } from './edits.ts';
import { fileDifference } from './file-difference.ts';
import { showLive } from './live-terminal.ts';
import { localActs } from './local-acts.ts';
import { localEventHub } from './local-event-hub.ts';
import { startMachine, type Machine } from './machine.ts';
import { jsonNarrator, proseNarrator, type Narrator } from './narrator.ts';
import type { Ready } from './ready-lines.ts';
import { findOpenWork, openWorkLines } from './open-work.ts';
import { openInBrowser } from './open-in-browser.ts';
import { makePlan, membersOf, type Plan, type Running } from './plan.ts';
import { Samples } from './samples.ts';
import { Simulation } from './simulation.ts';
import { localStatus } from './status-line.ts';
import { Tally } from './tally.ts';

export interface LocalOptions {
  readonly activations?: string;
  /** Stand-ins take the place of all third parties. */
  readonly vendor?: true;
  readonly eventHubsPort: number;
  readonly eventHubsHost: string;
  readonly eventHubsKey?: string;
  readonly eventHubsTls?: true;
  readonly storagePort: number;
  readonly data?: string;
  readonly partitions: number;
  readonly workers: number;
  readonly rate: number;
  readonly seed: number;
  readonly simulator: boolean;
  /** Port of the stand-in of Adobe's side, which exports instead of the simulator. */
  readonly aep?: number;
  /** Port of the first worker's debugger. */
  readonly inspect?: number;
  readonly json?: true;
  readonly console: boolean;
  /** Opens the console in the browser. */
  readonly open?: true;
  /** Shows what destinations are asked and what they answer. */
  readonly verbose?: true;
}

/** Few enough people that each of them is seen to come and go within a minute. */
const profilesFor = (rate: number): number => Math.min(5000, Math.max(30, Math.round(rate * 6)));
/** How long the handler may take, after Ctrl-C, to settle what has arrived. */
const drainMaxMs = 15_000;
/** So often it is looked whether the activation file was edited. */
const editsEveryMs = 500;
const openWorkTimeoutMs = 10_000;

/**
 * Runs everything on this machine until the terminal is interrupted, then settles what has arrived
 * and says what came of it.
 */
export async function runLocal(options: LocalOptions, terminal: Terminal): Promise<void> {
  requireFitting(options);
  const startedAtMs = performance.now();
  const cleanups = new Cleanups();
  const narrator = options.json ? jsonNarrator(terminal) : proseNarrator(terminal, { eachChange: true });
  try {
    const local = await startLocal(options, { terminal, narrator, cleanups });
    const { machine, plan, simulation, adobe, sender, tally, console } = local;
    narrator.ready(readyOf(local, options, performance.now() - startedAtMs));
    if (options.open === true && console !== undefined) openInBrowser(console, narrator);
    const hide = options.json ? () => undefined : showTerminal(local, terminal, narrator);
    cleanups.add(() => {
      hide();
      return Promise.resolve();
    });
    const edits = followEdits({
      path: plan.editedFile,
      text: local.text,
      lookEveryMs: editsEveryMs,
      takeUp: () => takeUpEdits(local, options, terminal, narrator),
      onRefused: (message) => narrator.editsRefused(message),
    });
    cleanups.add(() => edits.stop());
    await (options.simulator ? adobe : undefined)?.run(terminal.interrupted, (sent) => {
      if (tally.exportsSent === 0) narrator.aepExports();
      tally.exportsSent = sent;
    });
    await simulation?.run(sender, terminal.interrupted, (sent) => (tally.exportsSent = sent));
    await aborted(terminal.interrupted);
    hide();
    narrator.stopping();
    await edits.stop();
    await machine.drained(AbortSignal.timeout(drainMaxMs));
    await machine.stopHandler();
    const members = plan.standIns === undefined ? {} : { members: await membersOf(local.file, plan.standIns) };
    narrator.stopped({ ...tally.summary(plan.receiver), ...members });
    if (options.json !== true) await sayOpenWork(local, options, terminal);
  } finally {
    await cleanups.run((error) => terminal.say(`Failed to stop cleanly: ${reasonOf(error)}`));
    narrator.end();
  }
}

/** Everything that runs, with what it runs with now. */
interface Local {
  readonly plan: Plan;
  readonly machine: Machine;
  readonly sender: EventSender;
  readonly simulation: Simulation | undefined;
  readonly adobe: AdobeSide | undefined;
  readonly breakables: Breakables;
  readonly tally: Tally;
  /** Absent without an observer. */
  readonly observing: Observing | undefined;
  readonly watched: Watched | undefined;
  readonly console: LocalConsole | undefined;
  /** The bytes of the file that a person edits, as they were at the start. */
  readonly text: string;
  /** The file as it was edited, and as it runs. */
  edited: ActivationFile;
  file: ActivationFile;
  samples: Samples | undefined;
}

async function startLocal(
  options: LocalOptions,
  {
    terminal,
    narrator,
    cleanups,
  }: { readonly terminal: Terminal; readonly narrator: Narrator; readonly cleanups: Cleanups },
): Promise<Local> {
  const tally = new Tally();
  const breakables = new Breakables();
  // A person looks at the terminal or at the page.
  const isSeen = options.console || options.json !== true;
  const page = options.console ? buildPage() : undefined;
  const plan = await makePlan(options, terminal, { narrator, tally, breakables, canBreak: isSeen, cleanups });
  const text = await readFile(plan.editedFile, 'utf8');
  const file = await loadActivations(plan.activationFile, terminal);
  const edited = await loadActivations(plan.editedFile, terminal);
  const simulates = options.simulator && options.aep === undefined;
  const simulation = simulates ? new Simulation(file, simulationOf(options)) : undefined;
  const observing = isSeen
    ? await startObserving({
        ...plan,
        file,
        breakables,
        cleanups,
        onChange: (row) => narrator.change(row),
        ...(options.verbose ? { onAttempt: (attempt) => narrator.attempt(attempt) } : {}),
      })
    : undefined;
  const machine = await startMachine({
    ...options,
    ...plan,
    ...(options.data === undefined ? {} : { data: resolve(terminal.folder, options.data) }),
    onSignal: (signal) => {
      tally.count(signal);
      narrator.signal(signal);
    },
    onPrinted: (line) => narrator.printed(line),
    onWarning: (message) => {
      observing?.source.warn(message);
      narrator.warning(message);
    },
    ...(observing === undefined ? {} : { observerUrl: observing.observerUrl }),
    cleanups,
  });
  const sender = openEventSender(machine.eventHubsConnectionString, localEventHub.name);
  cleanups.add(() => sender.close());
  const adobe =
    options.aep === undefined
      ? undefined
      : await startAdobeSide(file, {
          port: options.aep,
          eventHubsConnectionString: machine.eventHubsConnectionString,
          simulation: simulationOf(options),
          cleanups,
        });
  const watched = observing?.watch(machine);
  const tenant = tenantOf(file);
  const console =
    page === undefined || observing === undefined || watched === undefined
      ? undefined
      : await serveLocalConsole(
          page,
          { ...plan, file, tenant },
          {
            source: observing.source,
            watched,
            sender,
            breakables,
            simulator: simulates ? simulationOf(options) : undefined,
            cleanups,
            terminal,
          },
        );
  const samples = tenant && new Samples(tenant, [...file.audiences.keys()]);
  return {
    plan,
    machine,
    sender,
    simulation,
    adobe,
    breakables,
    tally,
    observing,
    watched,
    console,
    text,
    edited,
    file,
    samples,
  };
}

function simulationOf({ rate, seed }: LocalOptions): NonNullable<Ready['simulator']> {
  return { rate, profiles: profilesFor(rate || 1000), seed };
}

function tenantOf(file: ActivationFile): Tenant | undefined {
  return file.audiences.size === 0 ? undefined : new Tenant(file, systemClock.now);
}

/** A line that stays, and keys, where a person sits at a terminal. Gives what takes them away. */
function showTerminal(local: Local, terminal: Terminal, narrator: Narrator): () => void {
  const { observing, watched, sender, breakables, console } = local;
  if (observing === undefined || watched === undefined) return () => undefined;
  const screen = terminal.openScreen();
  if (screen === undefined) return () => undefined;
  const acts = localActs({
    file: () => local.file,
    samples: () => local.samples,
    storage: watched.storage,
    sender,
    breakables,
    console,
    openInBrowser: (server) => openInBrowser(server, narrator),
    terminal,
    end: () => screen.interrupt(),
  });
  return showLive({ screen, status: localStatus(observing.source), acts, print: terminal.print });
}

/**
 * Deploys the function app anew with the file as it was edited. Throws `CommandError` with
 * everything as it was.
 */
async function takeUpEdits(local: Local, options: LocalOptions, terminal: Terminal, narrator: Narrator): Promise<void> {
  const { plan, machine, observing, simulation, console } = local;
  const edited = await loadActivations(options.activations ?? plan.editedFile, terminal);
  const difference = fileDifference(local.edited, edited);
  if (difference.length === 0) {
    narrator.editsFound(difference);
    return;
  }
  const running: Running = await plan.withEdits(edited);
  const file = await loadActivations(running.activationFile, terminal);
  const beginTenant = simulation?.prepared(file);
  narrator.editsFound(difference);
  // Before anything can come of it: what the new app says is of this file, and has these secrets.
  observing?.source.follow({ file, secrets: Object.values(running.secrets) });
  try {
    await machine.deploy(running);
  } catch (error) {
    observing?.source.follow({ file: local.file, secrets: [] });
    throw error;
  }
  beginTenant?.();
  const tenant = tenantOf(file);
  console?.follow({ ...running, file, tenant });
  local.edited = edited;
  local.file = file;
  local.samples = tenant && new Samples(tenant, [...file.audiences.keys()]);
  narrator.editsTaken({ healthUrls: machine.healthUrls(), inspectPorts: machine.inspectPorts() });
}

/** What is not at its end, and how it is kept. */
async function sayOpenWork({ watched, machine }: Local, { data }: LocalOptions, terminal: Terminal): Promise<void> {
  if (watched === undefined) return;
  const events = machine.partitions().reduce((sum, each) => sum + each.events, 0);
  try {
    const open = await findOpenWork(watched.storage, events, AbortSignal.timeout(openWorkTimeoutMs));
    for (const line of openWorkLines(open, data)) terminal.print(line);
  } catch (error) {
    terminal.say(`Failed to look what is still open: ${reasonOf(error)}`);
  }
}

function requireFitting({ activations, vendor, data, aep, eventHubsKey }: LocalOptions): void {
  if (aep !== undefined && eventHubsKey !== undefined) {
    throw new CommandError(
      2,
      'Failed to start: --aep and --event-hubs-key do not go together, for aep apply --local gives AEP the usual key of this machine. Leave one out.',
    );
  }
  if (vendor !== true) return;
  if (activations === undefined) {
    throw new CommandError(2, 'Failed to start: --vendor needs a file with destinations. Give --activations <file>.');
  }
  if (data !== undefined) {
    throw new CommandError(
      2,
      'Failed to start: --vendor and --data do not go together, for the stand-ins begin empty and the ledger would not. Leave one out.',
    );
  }
}

function readyOf(
  { plan, machine, simulation, adobe, console }: Local,
  options: LocalOptions,
  readyAfterMs: number,
): Ready {
  const { activationFile, editedFile, receiver, standIns } = plan;
  const { partitions, data } = options;
  return {
    ...(console === undefined ? {} : { consoleUrl: console.url }),
    eventHubsConnectionString: machine.eventHubsConnectionString,
    eventHubName: localEventHub.name,
    consumerGroup: localEventHub.consumerGroup,
    partitions,
    storageConnectionString: machine.storageConnectionString,
    ...(data === undefined ? {} : { dataFolder: data }),
    activationFile,
    editedFile,
    functions: machine.functions,
    healthUrls: machine.healthUrls(),
    processIds: { local: process.pid, workers: machine.workerProcessIds() },
    inspectPorts: machine.inspectPorts(),
    ...(receiver === undefined ? {} : { receiverUrl: receiver.url }),
    ...(standIns === undefined ? {} : { standIns: [...standIns.vendors.keys()] }),
    ...(simulation === undefined ? {} : { simulator: simulationOf(options) }),
    ...(adobe === undefined ? {} : { aepUrl: adobe.url, aepFile: options.activations }),
    readyAfterMs: Math.round(readyAfterMs),
  };
}
