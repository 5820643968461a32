/**
 * The worker: a child process of the host that loads the function app and runs its invocations.
 * Never imported, only forked.
 */
import { globSync, readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { executeHooks, functionApp, sendToHost } from './function-app.ts';
import { invoke } from './invoke.ts';
import type { FunctionMetadata, MessageToWorker } from '../rpc.ts';

const functionsCore = new URL('./functions-core.ts', import.meta.url).href;

registerHooks({
  resolve: (specifier, context, nextResolve) =>
    specifier === '@azure/functions-core'
      ? { url: functionsCore, shortCircuit: true }
      : nextResolve(specifier, context),
});

// A terminal sends its interrupt to the whole process group. The host decides when the worker ends,
// after it has drained.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
process.on('disconnect', () => process.exit(0));
process.on('message', (message: MessageToWorker) => void handle(message));

async function handle(message: MessageToWorker): Promise<void> {
  switch (message.kind) {
    case 'load':
      return load(message.appFolder);
    case 'invoke': {
      const { invocationId, functionName, input } = message;
      const outcome = await invoke(invocationId, functionName, input);
      sendToHost({ kind: 'invoked', invocationId, outcome });
      return;
    }
    case 'terminate':
      return terminate();
  }
}

async function load(appFolder: string): Promise<void> {
  try {
    await loadEntryPoints(appFolder);
    await executeHooks('appStart', {
      hookData: functionApp.appOnlyHookData,
      appHookData: functionApp.appHookData,
      functionAppDirectory: appFolder,
    });
    await agreeOnCapabilities();
    functionApp.hasStarted = true;
    const functions = [...functionApp.functions.values()].map(({ metadata }) => metadata);
    // Through JSON as the real worker sends bindings, so that nothing that JSON loses reaches the
    // host.
    sendToHost({ kind: 'loaded', functions: JSON.parse(JSON.stringify(functions)) as FunctionMetadata[] });
  } catch (error) {
    sendToHost({
      kind: 'load-failed',
      message: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
  }
}

/** Asking for the capabilities also ends the time in which the library accepts `app.setup`. */
async function agreeOnCapabilities(): Promise<void> {
  const capabilities = await functionApp.programmingModel?.getCapabilities?.({ TypedDataCollection: 'true' });
  if (capabilities?.HttpUri !== undefined) {
    throw new Error('This host does not stream HTTP. Remove enableHttpStream from app.setup().');
  }
}

/**
 * `main` of package.json is a file or a glob, relative to the app's folder; the files are loaded in
 * the order of their names.
 */
async function loadEntryPoints(appFolder: string): Promise<void> {
  const { main } = JSON.parse(readFileSync(join(appFolder, 'package.json'), 'utf8')) as { main?: string };
  if (main === undefined) throw new Error('package.json has no "main". Name there the built file, or a glob.');
  const files = globSync(main, { cwd: appFolder }).sort();
  if (files.length === 0) throw new Error(`No file matches "main" of package.json, "${main}". Build the app first.`);
  for (const file of files) await import(pathToFileURL(join(appFolder, file)).href);
}

async function terminate(): Promise<void> {
  try {
    await executeHooks('appTerminate', { hookData: functionApp.appOnlyHookData, appHookData: functionApp.appHookData });
  } catch (error) {
    sendToHost({ kind: 'log', level: 'error', message: `An appTerminate hook failed: ${String(error)}.` });
  }
  process.disconnect();
}
