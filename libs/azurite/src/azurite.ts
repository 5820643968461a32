import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

export interface AzuriteOptions {
  /**
   * The folder in which everything is kept, made when it is missing. Without one it is kept in
   * memory and lost at the end.
   */
  readonly dataFolder?: string;
  /** The ports on 127.0.0.1; 0, the default of each, takes a free one. */
  readonly ports?: { readonly blob?: number; readonly queue?: number; readonly table?: number };
  /** How many storage accounts it has; 1 by default. */
  readonly accounts?: number;
  /**
   * Files of a certificate and its key, in PEM: then it speaks https alone, and takes tokens of
   * Microsoft Entra ID besides, of which it checks form, issuer, audience and expiry, and no
   * signature (README of azurite, "OAuth Support").
   */
  readonly https?: { readonly certificate: string; readonly key: string };
}

/** A running Azurite: blobs, queues and tables of the account `devstoreaccount1`, and of others. */
export interface Azurite {
  readonly connectionString: string;
  /** Of each of its accounts, `devstoreaccount1` first. */
  readonly connectionStrings: readonly string[];
  readonly blobPort: number;
  readonly queuePort: number;
  readonly tablePort: number;
  /** Resolves when the process has ended, asked or not. */
  readonly exited: Promise<void>;
  /**
   * Ends it, keeping what is in the data folder, and resolves when its process is gone. May be
   * called again.
   */
  stop(): Promise<void>;
}

const services = ['Blob', 'Queue', 'Table'] as const;
type Service = (typeof services)[number];
type AzuriteProcess = ChildProcessByStdio<null, Readable, Readable>;

const startTimeoutMs = 60_000;
const stopTimeoutMs = 10_000;
const complaintCharactersMax = 4_000;

/**
 * Azurite's well-known account: public, the same on every machine (README of azurite, "Default
 * Storage Account").
 */
const accountNamed = (number: number): string => `devstoreaccount${number}`;
const accountKey = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

/**
 * Runs inside the child before Azurite. The channel to the parent closes when the parent asks
 * (`stop`) and when it dies, however it dies; either way Azurite ends as it does at SIGTERM, and is
 * ended when that takes too long. Azurite's own variables are taken away, for they could change the
 * account or the store that the caller counts on. All accounts have the same key (README of
 * azurite, "Customized Storage Accounts & Keys").
 */
const preloadOf = (accounts: readonly string[]): string => `
for (const name of Object.keys(process.env)) if (name.startsWith('AZURITE_')) delete process.env[name];
process.env.AZURITE_ACCOUNTS = '${accounts.map((name) => `${name}:${accountKey}`).join(';')}';
process.once('disconnect', () => {
  setTimeout(() => process.exit(1), ${stopTimeoutMs / 2}).unref();
  if (!process.emit('SIGTERM')) process.exit(0);
});`;

/**
 * Starts Azurite, the storage emulator, as a child of this process and resolves when its three
 * services listen. It ends with this process at the latest, but not by the terminal's Ctrl-C, so
 * that the process can still settle its work in it. Throws when it cannot start, for one because a
 * port is taken.
 */
export async function startAzurite(options: AzuriteOptions = {}): Promise<Azurite> {
  const { dataFolder, ports = {}, accounts = 1, https } = options;
  const names = Array.from({ length: accounts }, (_, index) => accountNamed(index + 1));
  if (dataFolder !== undefined) await mkdir(dataFolder, { recursive: true });
  const child = spawnAzurite(options, [ports.blob ?? 0, ports.queue ?? 0, ports.table ?? 0], names);
  const exited = once(child, 'exit').then(() => undefined);
  const stop = () => stopProcess(child, exited);
  try {
    const { Blob: blobPort, Queue: queuePort, Table: tablePort } = await listeningPorts(child);
    const protocol = https === undefined ? 'http' : 'https';
    const connectionStrings = names.map((name) => connectionString(name, { blobPort, queuePort, tablePort, protocol }));
    return {
      connectionString: connectionStrings[0] ?? '',
      connectionStrings,
      blobPort,
      queuePort,
      tablePort,
      exited,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function spawnAzurite(
  { dataFolder, https }: AzuriteOptions,
  [blob, queue, table]: readonly [number, number, number],
  accounts: readonly string[],
): AzuriteProcess {
  const program = createRequire(import.meta.url).resolve('azurite/dist/src/azurite.js');
  const signIn = https === undefined ? [] : ['--cert', https.certificate, '--key', https.key, '--oauth', 'basic'];
  const keep = dataFolder === undefined ? ['--inMemoryPersistence'] : ['--location', dataFolder];
  const child = spawn(
    process.execPath,
    [
      ...['--import', `data:text/javascript,${encodeURIComponent(preloadOf(accounts))}`, program],
      ...['--blobPort', String(blob), '--queuePort', String(queue), '--tablePort', String(table), ...keep, ...signIn],
      ...['--silent', '--skipApiVersionCheck', '--disableTelemetry'],
    ],
    // A process group of its own: a terminal's Ctrl-C goes to the whole group of the parent.
    { cwd: dataFolder ?? tmpdir(), detached: true, windowsHide: true, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] },
  );
  return child as AzuriteProcess;
}

/**
 * Reads the ports from what Azurite prints once a service listens: the system chose them, so no
 * other process can have them.
 */
async function listeningPorts(child: AzuriteProcess): Promise<Record<Service, number>> {
  const ports: Partial<Record<Service, number>> = {};
  let complaint = '';
  child.stderr
    .setEncoding('utf8')
    .on('data', (text: string) => (complaint = (complaint + text).slice(-complaintCharactersMax)));
  const lines = createInterface({ input: child.stdout });
  const { promise, resolve, reject } = Promise.withResolvers<Record<Service, number>>();
  lines.on('line', (line) => {
    const [, service, port] =
      /^Azurite (Blob|Queue|Table) service is successfully listening at \S+:(\d+)$/.exec(line) ?? [];
    if (service === undefined) return;
    ports[service as Service] = Number(port);
    if (isComplete(ports)) resolve(ports);
  });
  child.once('error', (cause) => reject(new Error(`Failed to start Azurite: ${cause.message}.`, { cause })));
  // `close` comes after the last of its output, `exit` may come before.
  child.once('close', () => reject(new Error(whyNotStarted(complaint))));
  const timer = setTimeout(
    () => reject(new Error(`Failed to start Azurite: it did not listen within ${startTimeoutMs} ms.`)),
    startTimeoutMs,
  );
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}

function isComplete(ports: Partial<Record<Service, number>>): ports is Record<Service, number> {
  return services.every((service) => ports[service] !== undefined);
}

function whyNotStarted(complaint: string): string {
  const taken = /EADDRINUSE.*:(\d+)/.exec(complaint)?.[1];
  if (taken !== undefined) {
    return `Failed to start Azurite: port ${taken} of 127.0.0.1 is taken. End what listens there, or choose another port (0 takes a free one).`;
  }
  return `Failed to start Azurite: its process ended. It said: ${complaint.trim() || 'nothing'}`;
}

async function stopProcess(child: AzuriteProcess, exited: Promise<void>): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  if (child.connected) child.disconnect();
  const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
  try {
    await exited;
  } finally {
    clearTimeout(timer);
  }
}

function connectionString(
  account: string,
  of: { readonly blobPort: number; readonly queuePort: number; readonly tablePort: number; readonly protocol: string },
): string {
  const { blobPort, queuePort, tablePort, protocol } = of;
  const endpoint = (name: string, port: number) => `${name}Endpoint=${protocol}://127.0.0.1:${port}/${account}`;
  return [
    `DefaultEndpointsProtocol=${protocol}`,
    `AccountName=${account}`,
    `AccountKey=${accountKey}`,
    endpoint('Blob', blobPort),
    endpoint('Queue', queuePort),
    endpoint('Table', tablePort),
  ].join(';');
}
