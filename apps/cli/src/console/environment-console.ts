import type { About } from '@activation-hub/console-contract';
import { systemClock } from '@activation-hub/delivery';
import type { Command } from 'commander';
import { loadActivations } from '../activation-file/activations.ts';
import { addActivationFileOption, chooseActivationFile } from '../activation-file/activation-file-options.ts';
import { reasonOf } from '../terminal/command-error.ts';
import { findDataStorage } from '../environment/data-storage.ts';
import { chooseSecrets } from '../environment/secrets.ts';
import { Cleanups } from '../traffic/local/cleanups.ts';
import { openInBrowser } from '../traffic/local/open-in-browser.ts';
import { openHttp } from '../environment/outbound-http.ts';
import { presentControls } from '../operate/paused.ts';
import { report } from '../terminal/reporter.ts';
import { aborted, type Terminal } from '../terminal/terminal.ts';
import { startConsole, usualConsolePort, type Api, type ConsoleServer } from './console-server.ts';
import { countDeadLetters } from './dead-letter-counter.ts';
import { lagOfStack, type ReadLag } from './environment-place.ts';
import { EnvironmentSource } from './environment-source.ts';
import { createEventStream } from './event-stream.ts';
import { Jobs } from './jobs.ts';
import { lookAtLedger } from './ledger-look.ts';
import { aboutFile, operatorApi } from './operator-api.ts';
import type { Operator } from './operator.ts';
import { buildPage } from './page-files.ts';

interface ConsoleCommandOptions {
  readonly environment: string;
  readonly activations?: string;
  readonly open?: true;
  readonly json?: true;
}

export function addConsoleCommand(program: Command, terminal: Terminal): void {
  addActivationFileOption(
    program
      .command('console')
      .summary('serves the console of a deployed environment on this machine')
      .description(
        "Serves the page of activation local for a deployed environment: what needs a person, which audiences arrive where, a person's story, dead letters, destinations and the activation file, with everything that one does about them. It acts with your own sign-in to Azure, and is reached from this machine alone.",
      )
      .requiredOption('-e, --environment <name>', 'the stack of the environment, with your own sign-in to Azure'),
  )
    .option('--open', 'opens it in the browser')
    .option('--json', 'prints one JSON object per line')
    .addHelpText(
      'after',
      `
Sign in first: az login. You need the roles Storage Blob, Queue and Table Data Contributor on the data storage account; for the lag Azure Event
Hubs Data Receiver on the namespace and Storage Blob Data Reader on the account of the checkpoints; to probe a destination or to tell it
something Key Vault Secrets User on the vault. What you lack is said where it is missing, and the rest works. The ledger is read while the
page is open: every 30 seconds, and no more than a tenth of the time. Ctrl-C ends it.

Examples:
  $ activation console --environment dev --open
  $ activation console --environment prod --activations apps/handler/activations/prod.yaml`,
    )
    .action((options: ConsoleCommandOptions) => runConsole(options, terminal));
}

async function runConsole(options: ConsoleCommandOptions, terminal: Terminal): Promise<void> {
  const { path } = chooseActivationFile(options, terminal);
  const file = await loadActivations(path, terminal);
  const { storage, explained } = await findDataStorage({ environment: options.environment }, terminal);
  const readLag = await lagOfStack(options.environment, terminal);
  const signedIn = await storage.operatorName();
  const cleanups = new Cleanups();
  try {
    const http = openHttp(terminal);
    cleanups.add(() => http.close());
    const operator: Operator = {
      file,
      activationFile: path,
      environment: options.environment,
      storage,
      terminal,
      readSecret: chooseSecrets({ environment: options.environment }, http, terminal),
      explained,
      now: systemClock.now,
    };
    const about: About = {
      ...aboutFile(file, path, () => false),
      environment: options.environment,
      isLocal: false,
      operator: signedIn,
    };
    const server = await serve(operator, about, readLag, cleanups);
    report(
      { event: 'ready', consoleUrl: server.url, environment: options.environment },
      () => [
        `The console of ${options.environment}, with the rights of ${signedIn}: ${terminal.colors.bold(server.url)}`,
        'Only this machine reaches it. Ctrl-C ends it.',
      ],
      options,
      terminal,
    );
    if (options.open === true) openInBrowser(server, { warning: terminal.say });
    await aborted(terminal.interrupted);
  } finally {
    await cleanups.run((error) => terminal.say(`Failed to stop cleanly: ${reasonOf(error)}`));
  }
}

async function serve(operator: Operator, about: About, readLag: ReadLag, cleanups: Cleanups): Promise<ConsoleServer> {
  const { file, storage, terminal, explained } = operator;
  const { ledger, deadLetters, controls } = storage;
  const source = new EnvironmentSource({
    file,
    now: operator.now,
    ledger: (signal) => lookAtLedger(file, ledger, operator.now, signal),
    deadLetters: (signal) => countDeadLetters(deadLetters, signal),
    controls: (signal) => presentControls(controls, file, signal),
    partitions: readLag,
    explained,
  });
  const stream = createEventStream(source);
  const jobs = new Jobs(explained);
  const seenAt = (destination: string) => {
    const look = source.at(destination);
    if (look === undefined) return { failures: [] };
    const { waiting, toldAtMs, failures } = look;
    return { failures, ledger: { waiting, ...(toldAtMs === undefined ? {} : { toldAtMs }) } };
  };
  const api: Api = {
    'GET about': () => about,
    'POST look': () => source.look(),
    ...operatorApi(operator, { jobs, onLettersChanged: () => void source.look(), seenAt }),
  };
  const server = await startConsole({
    page: buildPage(),
    stream,
    api: () => api,
    port: usualConsolePort,
    say: terminal.say,
    explained,
  });
  cleanups.add(() => server.stop());
  cleanups.add(() => {
    jobs.stop();
    source.stop();
    stream.close();
    return Promise.resolve();
  });
  return server;
}
