import { statSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { askedToEnd, endSignals } from './terminal/asked-to-end.ts';
import { CommandError } from './terminal/command-error.ts';
import { withHarmlessLines } from './terminal/harmless-lines.ts';
import { reportFailure, type ReportOptions } from './terminal/reporter.ts';
import { processTerminal, type Terminal } from './terminal/terminal.ts';
import { withoutSecrets } from './terminal/unsaid-secrets.ts';
import { usageSentence } from './terminal/usage-error.ts';
import { helpColumns, wrappedHelp } from './terminal/wrapped-help.ts';

type AddCommand = (program: Command, terminal: Terminal) => void;

/**
 * Each verb with the file that adds it. Only the one that the command line names is loaded:
 * together they know half of Azure.
 */
const verbs: Readonly<Record<string, () => Promise<AddCommand>>> = {
  init: async () => (await import('./activation-file/init/init.ts')).addInitCommand,
  local: async () => (await import('./traffic/local/local.ts')).addLocalCommand,
  console: async () => (await import('./console/environment-console.ts')).addConsoleCommand,
  mcp: async () => (await import('./operate/mcp/mcp.ts')).addMcpCommand,
  check: async () => (await import('./activation-file/check.ts')).addCheckCommand,
  destinations: async () => (await import('./activation-file/destinations/destinations.ts')).addDestinationsCommand,
  inspect: async () => (await import('./activation-file/inspect.ts')).addInspectCommand,
  send: async () => (await import('./traffic/send.ts')).addSendCommand,
  simulate: async () => (await import('./traffic/simulate.ts')).addSimulateCommand,
  tail: async () => (await import('./operate/tail/tail.ts')).addTailCommand,
  lag: async () => (await import('./operate/lag.ts')).addLagCommand,
  'dead-letters': async () => (await import('./operate/dead-letters.ts')).addDeadLettersCommand,
  ledger: async () => (await import('./operate/ledger.ts')).addLedgerCommand,
  explain: async () => (await import('./operate/explain.ts')).addExplainCommand,
  pause: async () => (await import('./operate/controls.ts')).addPauseCommand,
  shadow: async () => (await import('./operate/controls.ts')).addShadowCommand,
  resume: async () => (await import('./operate/controls.ts')).addResumeCommand,
  'retry-now': async () => (await import('./operate/controls.ts')).addRetryNowCommand,
  canary: async () => (await import('./operate/canary.ts')).addCanaryCommand,
  forget: async () => (await import('./operate/forget.ts')).addForgetCommand,
  resync: async () => (await import('./operate/resync.ts')).addResyncCommand,
  retire: async () => (await import('./operate/retire.ts')).addRetireCommand,
  plan: async () => (await import('./operate/plan.ts')).addPlanCommand,
  'event-hubs': async () => (await import('./traffic/event-hubs.ts')).addEventHubsCommand,
  azure: async () => (await import('./deploy/azure.ts')).addAzureCommand,
  aep: async () => (await import('./aep/aep.ts')).addAepCommand,
};

/**
 * Runs the command of this process and ends it with its exit code. `whenOrphaned` tells when the
 * parent process, which sends the signals, is gone.
 */
export async function runProcess(whenOrphaned: (act: () => void) => void): Promise<void> {
  // Set variables count first. Secrets of a file are tried like this on every system; a shell's
  // `NAME=value command` is not on all. A folder of that name is not ours: Python keeps
  // environments in such.
  if (statSync('.env', { throwIfNoEntry: false })?.isFile() === true) process.loadEnvFile('.env');
  const terminal = processTerminal();
  const hear = askedToEnd({
    now: () => performance.now(),
    interrupt: () => terminal.interrupt(),
    exit: (code) => process.exit(code),
  });
  for (const signal of endSignals) process.on(signal, () => hear(signal));
  // No second request: a shell that ends by the same Ctrl-C leaves its command behind, which is
  // ending.
  whenOrphaned(() => terminal.interrupt());
  const exitCode = await run(process.argv.slice(2), terminal);
  await terminal.flush();
  process.exit(exitCode);
}

/**
 * Runs one command line and gives its exit code: 0 fine, 1 failed, 2 wrong usage or wrong file.
 * Says no secret that it was given, and prints nothing that steers the terminal.
 */
export async function run(words: readonly string[], unguarded: Terminal): Promise<0 | 1 | 2> {
  const terminal = withoutSecrets(withHarmlessLines(unguarded), words);
  const program = await createProgram(words[0], terminal);
  try {
    await program.parseAsync(words, { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return sayUsage(error, words, program, terminal);
    return sayFailure(error, words, terminal);
  }
}

/** The command with the verb that is named, or with all of them. */
export async function createProgram(verb: string | undefined, terminal: Terminal): Promise<Command> {
  const program = new Command('activation')
    .description('Tells third-party systems what Adobe Experience Platform says about people and audiences.')
    .usage('<command> [options]')
    .configureHelp({ sortSubcommands: false, helpWidth: helpColumns })
    .configureOutput({
      writeOut: (text) => terminal.print(wrappedHelp(text.trimEnd())),
      writeErr: (text) => terminal.say(wrappedHelp(text.trimEnd())),
      // Said once, in `sayUsage`.
      outputError: () => undefined,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .exitOverride();
  const asked = verb !== undefined && Object.hasOwn(verbs, verb) ? verbs[verb] : undefined;
  for (const load of asked === undefined ? Object.values(verbs) : [asked]) (await load())(program, terminal);
  return program.addHelpText(
    'after',
    `
Exit codes: 0 fine, 1 failed, 2 wrong usage or wrong file.

Examples:
  $ activation local                      everything on this machine, with a simulated tenant
  $ activation init my-hub                an activation file of your own, with what it needs
  $ activation check                      checks the activation files of this repository
  $ activation <command> --help           options and examples of a command`,
  );
}

function sayUsage(error: CommanderError, words: readonly string[], program: Command, terminal: Terminal): 0 | 2 {
  if (error.exitCode === 0) return 0;
  if (error.code !== 'commander.help')
    reportFailure({ message: usageSentence(error, words, program), exitCode: 2 }, wanted(words), terminal);
  return 2;
}

function sayFailure(error: unknown, words: readonly string[], terminal: Terminal): 1 | 2 {
  if (error instanceof CommandError) {
    reportFailure({ message: error.message, exitCode: error.exitCode, ...error.details }, wanted(words), terminal);
    return error.exitCode;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const message = `Failed unexpectedly, which is a defect of this command. ${stack}`;
  reportFailure({ message, exitCode: 1 }, wanted(words), terminal);
  return 1;
}

/** By the words themselves, for the options of a wrong command line are not parsed. */
function wanted(words: readonly string[]): ReportOptions {
  return words.includes('--json') ? { json: true } : {};
}
