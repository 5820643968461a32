/**
 * What the start of the function app costs, by how many kinds of destinations its activation file names.
 *
 *   node apps/handler/bench/start.ts [starts=5]
 *
 * Prints one line per file: the code that is loaded, and the time from a new process until its functions are registered (the
 * fastest and the middle one of so many starts).
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseActivationFile, secretNames } from '@activation-hub/activation-file';
import { destinationTypes, exampleOf, loadDestinations } from '@activation-hub/destinations';
import { readRegisteredFunctions } from '@activation-hub/functions-host';
import { buildHandler, type BuiltHandler } from '../build.ts';
import { secretVariable } from '../src/settings.ts';

const [starts = 5] = process.argv.slice(2).map(Number);
const definitions = await loadDestinations(destinationTypes);
const folder = await mkdtemp(join(tmpdir(), 'handler-start-'));
try {
  const built = await buildHandler({ outputFolder: join(folder, 'app') });
  for (const types of [[], ['webhook'], destinationTypes]) await measure(built, types);
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function measure({ folder: app, outputs }: BuiltHandler, types: readonly string[]): Promise<void> {
  const text = activationFile(types);
  const path = join(folder, 'activation.json');
  await writeFile(path, text);
  const secrets = secretNames(parseActivationFile(text, { fileName: path, destinations: definitions }));
  const settings = {
    ACTIVATION_FILE: path,
    DataStorage: 'UseDevelopmentStorage=true',
    AzureWebJobsStorage: 'UseDevelopmentStorage=true',
    EventHubConnection: 'Endpoint=sb://127.0.0.1/;SharedAccessKeyName=a;SharedAccessKey=b',
    EVENT_HUB_NAME: 'exports',
    EVENT_HUB_CONSUMER_GROUP: 'handler',
    ...Object.fromEntries(secrets.map((name) => [secretVariable(name), 'a secret'])),
  };
  const times: number[] = [];
  for (let index = 0; index < starts; index += 1) {
    const startedAtMs = performance.now();
    await readRegisteredFunctions(app, settings);
    times.push(performance.now() - startedAtMs);
  }
  times.sort((left, right) => left - right);
  const loaded = loadedFiles(outputs, ['main.mjs', ...types.map((type) => `${type}.mjs`)]);
  const bytes = [...loaded].reduce((sum, file) => sum + (outputs[file]?.bytes ?? 0), 0);
  const ms = (time = NaN): string => `${Math.round(time)} ms`;
  process.stdout.write(
    `${types.length} kinds: ${bytes.toLocaleString('en')} bytes in ${loaded.size} files, ${ms(times[0])} at best, ${ms(times[Math.floor(starts / 2)])} in the middle\n`,
  );
}

function activationFile(types: readonly string[]): string {
  const entries = types.map((type) => {
    const definition = definitions.get(type);
    return [type, { type, settings: definition === undefined ? {} : exampleOf(definition.settings) }];
  });
  return JSON.stringify({ version: 1, destinations: Object.fromEntries(entries) as object, audiences: {} });
}

/** These files of the build and those that are loaded with them. */
function loadedFiles(outputs: BuiltHandler['outputs'], names: readonly string[]): ReadonlySet<string> {
  const found = new Set<string>();
  const add = (file: string): void => {
    if (found.has(file)) return;
    found.add(file);
    for (const { path, kind, external } of outputs[file]?.imports ?? []) {
      if (external !== true && kind === 'import-statement') add(path);
    }
  };
  for (const file of Object.keys(outputs)) if (names.includes(basename(file))) add(file);
  return found;
}
