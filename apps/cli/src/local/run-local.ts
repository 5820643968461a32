import { resolve } from 'node:path';
import { secretNames, type ActivationFile } from '@activation-hub/activation-file';
import { systemClock } from '@activation-hub/delivery';
import { loadActivations, readSecretVariables, tenantOptions } from '../activations.ts';
import { openEventSender } from '../event-sender.ts';
import { CommandError, reasonOf } from '../command-error.ts';
import { simulate } from '../simulator.ts';
import { startStandIns, type StandIns } from '../stand-ins.ts';
import { createTenant } from '../tenant.ts';
import { Breakables } from '../console/breakable.ts';
import { startLocalConsole } from '../console/local-console.ts';
import { aborted, type Terminal } from '../terminal.ts';
import { Cleanups } from './cleanups.ts';
import { newSigningSecret, writeExample } from './example.ts';
import { localEventHub } from './local-event-hub.ts';
import { startMachine, type Machine } from './machine.ts';
import { jsonNarrator, proseNarrator, type Narrator, type Ready, type Summary } from './narrator.ts';
import { openInBrowser } from './open-in-browser.ts';
import { startReceiver, type Receiver } from './receiver.ts';
import { Tally } from './tally.ts';
import { writeVendorFile } from './vendor-file.ts';

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
  /** Port of the first worker's debugger. */
  readonly inspect?: number;
  readonly json?: true;
  readonly console: boolean;
  /** Opens the console in the browser. */
  readonly open?: true;
}

/** Few enough people that each of them is seen to come and go within a minute. */
const profilesFor = (rate: number): number => Math.min(5000, Math.max(30, Math.round(rate * 6)));
/** How long the handler may take, after the end was asked for, to settle what has arrived. */
const drainMaxMs = 15_000;

/** Runs everything on this machine until the terminal is interrupted, then settles what has arrived and says what came of it. */
export async function runLocal(options: LocalOptions, terminal: Terminal): Promise<void> {
  requireFitting(options);
  const startedAtMs = performance.now();
  const narrator = options.json ? jsonNarrator(terminal) : proseNarrator(terminal);
  const tally = new Tally();
  const breakables = new Breakables();
  const cleanups = new Cleanups();
  try {
    const plan = await makePlan(options, terminal, { narrator, tally, breakables, cleanups });
    const file = await loadActivations(plan.activationFile, terminal);
    const simulation = options.simulator
      ? { rate: options.rate, profiles: profilesFor(options.rate || 1000), seed: options.seed }
      : undefined;
    const console = options.console
      ? await startLocalConsole({ ...plan, file, breakables, simulator: simulation, cleanups, terminal })
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
        console?.warn(message);
        narrator.warning(message);
      },
      ...(console === undefined ? {} : { observerUrl: console.observerUrl }),
      cleanups,
    });
    const consoleUrl = await console?.serve(machine);
    narrator.ready(readyOf(machine, plan, options, { simulation, consoleUrl }, performance.now() - startedAtMs));
    if (options.open === true && consoleUrl !== undefined) openInBrowser(consoleUrl, narrator);
    if (simulation !== undefined) {
      const sender = openEventSender(machine.eventHubsConnectionString, localEventHub.name);
      cleanups.add(() => sender.close());
      await simulate({
        ...simulation,
        tenant: createTenant(tenantOptions(file, simulation)),
        sender,
        count: Infinity,
        signal: terminal.interrupted,
        clock: systemClock,
        onSent: (sent) => (tally.exportsSent = sent),
      });
    }
    await aborted(terminal.interrupted);
    narrator.stopping();
    await machine.drained(AbortSignal.timeout(drainMaxMs));
    await machine.stopHandler();
    const members = plan.standIns === undefined ? {} : { members: await membersOf(file, plan.standIns) };
    narrator.stopped({ ...tally.summary(plan.receiver), ...members });
  } finally {
    await cleanups.run((error) => terminal.say(`Failed to stop cleanly: ${reasonOf(error)}`));
  }
}

function requireFitting({ activations, vendor, data }: LocalOptions): void {
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

/** With which activation file, and which secrets. */
interface Plan {
  /** Absolute, or from the terminal's folder. */
  readonly activationFile: string;
  readonly secrets: Readonly<Record<string, string>>;
  readonly receiver?: Receiver;
  readonly standIns?: StandIns;
}

/** What a plan tells of what happens, and what it starts. */
interface Parts {
  readonly narrator: Narrator;
  readonly tally: Tally;
  readonly breakables: Breakables;
  readonly cleanups: Cleanups;
}

async function makePlan(
  { activations, vendor, console: hasConsole }: LocalOptions,
  terminal: Terminal,
  { narrator, tally, breakables, cleanups }: Parts,
): Promise<Plan> {
  if (activations !== undefined) {
    const file = await loadActivations(activations, terminal);
    for (const { message, line, column } of file.warnings)
      narrator.warning(`${activations}:${line}:${column}: ${message}`);
    if (vendor === true)
      return await vendorPlan(resolve(terminal.folder, activations), file, { breakables, cleanups, hasConsole });
    const secrets = secretNames(file).length === 0 ? {} : readSecretVariables(file, terminal.environment);
    return { activationFile: resolve(terminal.folder, activations), secrets };
  }
  const signingSecret = newSigningSecret();
  const receiver = await startReceiver(signingSecret, (changes) => {
    tally.countTold(changes);
    narrator.told(changes);
  });
  cleanups.add(() => receiver.stop());
  cleanups.add(() => breakables.stop());
  const { url = receiver.url } = hasConsole ? await breakables.before('receiver', { url: receiver.url }) : {};
  const example = await writeExample(String(url), signingSecret);
  cleanups.add(() => example.remove());
  return { activationFile: example.path, secrets: example.secrets, receiver };
}

/** The file with a stand-in for each of its destinations. */
async function vendorPlan(
  path: string,
  file: ActivationFile,
  { breakables, cleanups, hasConsole }: Pick<Parts, 'breakables' | 'cleanups'> & { readonly hasConsole: boolean },
): Promise<Plan> {
  const standIns = await startStandIns(file);
  cleanups.add(() => standIns.close());
  cleanups.add(() => breakables.stop());
  const settings = new Map(
    await Promise.all(
      [...standIns.settings].map(
        async ([key, each]) => [key, hasConsole ? await breakables.before(key, each) : each] as const,
      ),
    ),
  );
  const copy = await writeVendorFile(path, { ...standIns, settings });
  cleanups.add(() => copy.remove());
  return { activationFile: copy.path, secrets: copy.secrets, standIns };
}

/** How many members each stand-in has, by destination and audience. */
async function membersOf({ routes }: ActivationFile, { vendors }: StandIns): Promise<NonNullable<Summary['members']>> {
  const members: Record<string, Record<string, number>> = {};
  for (const { destination, audience, options } of routes) {
    const held = await vendors.get(destination)?.members({ audience, options });
    if (held !== undefined) members[destination] = { ...members[destination], [audience]: held.length };
  }
  return members;
}

function readyOf(
  machine: Machine,
  { activationFile, receiver, standIns }: Plan,
  { partitions, data, inspect }: LocalOptions,
  { simulation, consoleUrl }: { readonly simulation: Ready['simulator']; readonly consoleUrl: string | undefined },
  readyAfterMs: number,
): Ready {
  return {
    ...(consoleUrl === undefined ? {} : { consoleUrl }),
    eventHubsConnectionString: machine.eventHubsConnectionString,
    eventHubName: localEventHub.name,
    consumerGroup: localEventHub.consumerGroup,
    partitions,
    storageConnectionString: machine.storageConnectionString,
    ...(data === undefined ? {} : { dataFolder: data }),
    activationFile,
    functions: machine.functions,
    healthUrls: machine.healthUrls,
    processIds: { local: process.pid, workers: machine.workerProcessIds() },
    inspectPorts: inspect === undefined ? [] : machine.healthUrls.map((_, index) => inspect + index),
    ...(receiver === undefined ? {} : { receiverUrl: receiver.url }),
    ...(standIns === undefined ? {} : { standIns: [...standIns.vendors.keys()] }),
    ...(simulation === undefined ? {} : { simulator: simulation }),
    readyAfterMs: Math.round(readyAfterMs),
  };
}
