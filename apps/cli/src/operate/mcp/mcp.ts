import type { ActivationFile } from '@activation-hub/activation-file';
import { systemClock } from '@activation-hub/delivery';
import type { Command } from 'commander';
import { loadChosenActivations } from '../../activation-file/activations.ts';
import { addActivationFileOption } from '../../activation-file/activation-file-options.ts';
import { measureHandlerLag } from '../../environment/handler-lag.ts';
import { CommandError } from '../../terminal/command-error.ts';
import { ApiError } from '../../console/answers.ts';
import { lagOfStack, type ReadLag } from '../../console/environment-place.ts';
import type { Operator } from '../../console/operator.ts';
import { addDataStorageOption, findDataStorage, type DataStorageOptions } from '../../environment/data-storage.ts';
import { chooseSecrets } from '../../environment/secrets.ts';
import { localEventHub, usualConnectionString } from '../../traffic/local/local-event-hub.ts';
import { openHttp } from '../../environment/outbound-http.ts';
import { aborted, type Terminal } from '../../terminal/terminal.ts';
import { toolsOf, type Given, type Place, type Tool } from './tools.ts';

interface McpOptions extends DataStorageOptions {
  readonly activations?: string;
  readonly allowChanges?: true;
  readonly showPeople?: true;
}

export function addMcpCommand(program: Command, terminal: Terminal): void {
  addActivationFileOption(addDataStorageOption(program.command('mcp')))
    .summary('lets an assistant look, over the Model Context Protocol')
    .description(
      "Serves the Model Context Protocol over standard input and output, for an assistant that starts this command: a person's story, what the hub would do with an export, dead letters, destinations, the plan of the activation file, and how far the function app is behind. It acts with your own sign-in to Azure, or on activation local.",
    )
    .option('--allow-changes', 'also lets it pause, put into shadow, resume, try now and replay dead letters')
    .option('--show-people', 'shows identities and events whole, which are personal data; masked by default')
    .addHelpText(
      'after',
      `
Whatever an assistant reads goes to the provider of its model. Without --show-people it gets identities masked, and neither events nor the bodies of
requests; what you write into the conversation yourself it knows. A change that it makes says so, with your name, wherever pauses are shown.

Examples:
  $ activation mcp --environment dev
  $ activation mcp --activations my-activations.yaml --allow-changes
  $ claude mcp add activation-hub -- npx activation mcp --environment dev`,
    )
    .action((options: McpOptions) => runMcp(options, terminal));
}

async function runMcp(options: McpOptions, terminal: Terminal): Promise<void> {
  const { file, path } = await loadChosenActivations(options, terminal);
  let opened: Promise<OpenedPlace> | undefined;
  let place: OpenedPlace | undefined;
  /**
   * Opened by the first call, for Pulumi takes its time and a client waits for the handshake some
   * seconds only; what fails is tried by the next.
   */
  const open = (): Promise<OpenedPlace> =>
    (opened ??= openPlace(options, path, file, terminal).then(
      (found) => (place = found),
      (error: unknown) => {
        opened = undefined;
        throw error;
      },
    ));
  const tools = toolsOf({
    allowsChanges: options.allowChanges === true,
    showsPeople: options.showPeople === true,
  });
  // What only the command line says is refused at once.
  if (options.environment === undefined || options.connectionString !== undefined) await open();
  try {
    await serve(tools, open, terminal);
  } finally {
    await place?.close();
  }
}

interface OpenedPlace extends Place {
  close(): Promise<void>;
}

async function openPlace(
  options: McpOptions,
  path: string,
  file: ActivationFile,
  terminal: Terminal,
): Promise<OpenedPlace> {
  const { storage, explained } = await findDataStorage(options, terminal);
  const readLag = await lagOf(options, terminal);
  const http = openHttp(terminal, storage);
  const { environment } = options;
  const operator: Operator = {
    file,
    activationFile: path,
    ...(environment === undefined ? {} : { environment }),
    storage: { ...storage, operatorName: async () => `${await storage.operatorName()}, by an assistant` },
    terminal,
    readSecret: chooseSecrets(environment === undefined ? {} : { environment }, http, terminal),
    explained,
    now: systemClock.now,
  };
  return { operator, readLag, close: () => http.close() };
}

/** Of the stack, or of `activation local` on its usual ports. */
async function lagOf({ environment, connectionString }: McpOptions, terminal: Terminal): Promise<ReadLag> {
  if (environment !== undefined) return lagOfStack(environment, terminal);
  const elsewhere = connectionString ?? terminal.environment.DATA_STORAGE_CONNECTION_STRING ?? '';
  return (signal) => {
    if (elsewhere !== '')
      throw new CommandError(
        2,
        'Failed to find the event hub: it is known with --environment, or of activation local.',
      );
    return measureHandlerLag({
      hub: { connectionString: usualConnectionString },
      hostStorage: { connectionString: 'UseDevelopmentStorage=true' },
      consumerGroup: localEventHub.consumerGroup,
      signal,
    });
  };
}

const instructions =
  'Activation Hub tells third parties (destinations) which people entered or left audiences of Adobe Experience Platform, by an activation file. Write people as namespace:identity, such as crmid:C-1. Times are epoch milliseconds, or in UTC.';

/** Until the assistant closes the connection, or the terminal is interrupted. */
async function serve(tools: readonly Tool[], open: () => Promise<Place>, terminal: Terminal): Promise<void> {
  // Loaded only here: no other command needs the protocol.
  const [{ McpServer }, { serveStdio }] = await Promise.all([
    import('@modelcontextprotocol/server'),
    import('@modelcontextprotocol/server/stdio'),
  ]);
  const ended = Promise.withResolvers<undefined>();
  const handle = serveStdio(
    () => {
      const server = new McpServer({ name: 'activation-hub', version: '0.1.0' }, { instructions });
      for (const { name, description, input, isChange, run } of tools) {
        const annotations = { readOnlyHint: !isChange, destructiveHint: false, openWorldHint: false };
        server.registerTool(name, { description, inputSchema: input, annotations }, async (given: Given, context) => {
          let explained = (error: unknown): unknown => error;
          try {
            const place = await open();
            ({ explained } = place.operator);
            const text = JSON.stringify(await run(given, place, context.mcpReq.signal), undefined, 1);
            return { content: [{ type: 'text', text }] };
          } catch (error) {
            return { content: [{ type: 'text', text: wordsOf(explained(error), terminal) }], isError: true };
          }
        });
      }
      return server;
    },
    { onerror: (error) => terminal.say(`The conversation has a fault: ${error.message}`) },
  );
  terminal.stdin.once('end', () => ended.resolve(undefined));
  terminal.stdin.once('close', () => ended.resolve(undefined));
  void aborted(terminal.interrupted).then(() => ended.resolve(undefined));
  await ended.promise;
  await handle.close();
}

/** What failed, in a sentence; a defect keeps its words to the terminal. */
function wordsOf(error: unknown, { say }: Terminal): string {
  const isSaid = error instanceof CommandError || error instanceof ApiError;
  if (isSaid || (error instanceof Error && error.message.startsWith('Failed to '))) return error.message;
  say(`The command failed, which is a defect of it. ${error instanceof Error ? (error.stack ?? '') : String(error)}`);
  return 'The command failed, which is a defect of it. Its standard error says more.';
}
