/**
 * The load check: many simulated exports through `activation local`, as a user would run it, to a
 * receiver of our own. Every change must have reached the receiver, none after a newer one, and the
 * memory of the processes must stay flat.
 *
 *   npm run bench:local -- [exports=100000] [profiles=20000] [minutes=15]
 *
 * Prints one JSON report to standard output and a line for people to standard error; exits with 1
 * when something is wrong.
 */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { loadActivationFile } from '@activation-hub/activation-file';
import { systemClock } from '@activation-hub/delivery';
import { loadDestinations } from '@activation-hub/destinations';
import { tenantOptions } from '../src/activation-file/activations.ts';
import { openEventSender } from '../src/traffic/event-sender.ts';
import { simulate } from '../src/traffic/simulator.ts';
import { createTenant, type KnownPerson, type Tenant } from '../src/traffic/tenant.ts';
import { SentStates } from '../chaos/truth.ts';
import { startLocal } from './local-process.ts';
import { startRecordingReceiver, type RecordingReceiver } from './recording-receiver.ts';
import { countingEnvironment, tableRequests } from './table-requests.ts';

const partitions = 4;
const sampleEveryMs = 2_000;
/**
 * Growth of a process over the second half that counts as flat: what a garbage collector leaves
 * lying about.
 */
const flatMiB = 64;
const command = fileURLToPath(new URL('../bin/activation.js', import.meta.url));

/** A person whom the receiver knows wrongly, with what was sent of them. */
interface Difference {
  readonly audience: string;
  readonly profile: number | string;
  readonly should: readonly string[];
  readonly has: readonly string[];
  readonly history: readonly string[];
}

/** People whom the receiver knows wrongly that are shown, with what was sent of them. */
const differencesMax = 5;
/** As the routes of the file have it. */
const choice = { namespaces: ['crmid', 'email'], identities: 'first' } as const;
const [exportCount = 100_000, profiles = 20_000, minutes = 15] = process.argv.slice(2).map(Number);

const folder = await mkdtemp(join(tmpdir(), 'activation-load-'));
const receiver = await startRecordingReceiver();
const activations = join(folder, 'load.yaml');
await writeFile(activations, activationFile(receiver.url));
const local = startLocal(activations, { partitions, environment: countingEnvironment(folder) });
let isStopped = false;
const giveUp = AbortSignal.timeout(minutes * 60_000);
try {
  const report = await measure();
  process.stdout.write(`${JSON.stringify(report)}\n`);
  process.stderr.write(`${sentence(report)}\n`);
  process.exitCode = report.ok ? 0 : 1;
} finally {
  await stopLocal();
  await receiver.stop();
  await rm(folder, { recursive: true, force: true });
}

async function measure() {
  const ready = await local.ready;
  const { connectionString, eventHubName } = ready;
  const file = await loadActivationFile(activations, { destinations: (types) => loadDestinations(types) });
  const tenant = createTenant(tenantOptions(file, { seed: 1, profiles }));
  const sent = new SentStates();
  const sender = openEventSender(connectionString, eventHubName);
  const memory = sampleMemory(local.child.pid ?? 0, () => local.settled());
  const startedAtMs = performance.now();
  await simulate({
    tenant: noting(tenant, sent),
    sender,
    rate: 0,
    count: exportCount,
    signal: giveUp,
    clock: systemClock,
  });
  const sentAfterMs = performance.now() - startedAtMs;
  await sender.close();
  while (!giveUp.aborted && (local.settled() < exportCount || local.waiting() > 0))
    await sleep(100, undefined, { signal: giveUp }).catch(() => undefined);
  const settledAfterMs = performance.now() - startedAtMs;
  const samples = await memory.end();
  const { differences, ...convergence } = compare(tenant, sent, receiver);
  for (const each of differences.slice(0, differencesMax)) {
    const told = await story(each, ready.storageConnectionString);
    process.stderr.write(`${JSON.stringify(each, undefined, 2)}\n${told}\n`);
  }
  await stopLocal();
  const requestsToTable = await tableRequests(folder, ready);
  const growth = growthOf(samples);
  const { requests, changes, outOfOrder } = receiver.counts();
  return {
    bench: 'local-load',
    ok:
      local.settled() >= exportCount &&
      convergence.wrong === 0 &&
      outOfOrder === 0 &&
      // Azurite keeps the ledger in memory here, so it grows with every row; it is shown and not
      // judged.
      growth.every(({ process: name, isFlat }) => isFlat || name === 'azurite'),
    exports: exportCount,
    profiles,
    partitions,
    settled: local.settled(),
    sentPerSecond: Math.round((exportCount / sentAfterMs) * 1000),
    settledPerSecond: Math.round((local.settled() / settledAfterMs) * 1000),
    seconds: Math.round(settledAfterMs / 100) / 10,
    deferred: local.deferred(),
    ledgerReadsPerExport: perExport(local.ledgerReads()),
    ledgerWritesPerExport: perExport(local.ledgerWrites()),
    storageRequestsPerExport: perExport(requestsToTable.all),
    storageRequests: requestsToTable,
    receiver: { requests, changes, outOfOrder },
    ...convergence,
    memory: growth,
  };
}

async function stopLocal(): Promise<void> {
  if (isStopped) return;
  isStopped = true;
  local.child.kill('SIGTERM');
  await once(local.child, 'close');
}

function perExport(rows: number): number {
  return Math.round((rows / exportCount) * 1000) / 1000;
}

/** What the ledger says of a person, by `activation explain`. */
async function story({ history }: Difference, storage: string): Promise<string> {
  const words = history.join(' ').matchAll(/\b(ecid|email|crmid) ([^ ,]+)/g);
  const identities = [...new Set([...words].map(([, namespace = '', value = '']) => `${namespace}:${value}`))];
  const options = ['explain', ...identities, '--connection-string', storage, '--activations', activations];
  const told = await promisify(execFile)(process.execPath, [command, ...options]).catch((error: unknown) => error);
  return told instanceof Error ? told.message : (told as { readonly stdout: string }).stdout;
}

/** The tenant, of which each export is noted as it is sent. */
function noting(tenant: Tenant, sent: SentStates): Tenant {
  return {
    truth: (choice) => tenant.truth(choice),
    describe: (profile, person, choice) => tenant.describe(profile, person, choice),
    next(atMs) {
      const simulated = tenant.next(atMs);
      sent.note(simulated, atMs);
      return simulated;
    },
  };
}

/**
 * What the receiver should know, by the tenant, against what it does know. A person of whom consent
 * or an identity went there and back within one qualification has no certain order over several
 * partitions (docs/decisions/what-orders-states.md), and may be known as in any of its states.
 */
function compare(tenant: Tenant, sent: SentStates, receiver: RecordingReceiver) {
  const has = new Map<string, Set<string>>();
  for (const member of receiver.members) {
    const [audience = '', ...identity] = member.split(' ');
    const who = `${audience} ${String(sent.owner(identity.join(' ')))}`;
    has.set(who, (has.get(who) ?? new Set()).add(identity.join(' ')));
  }
  const counts = { members: 0, wrong: 0, thereAndBackDiffering: 0 };
  const differences: Difference[] = [];
  const judge = (
    audience: string,
    profile: number | string,
    should: ReadonlySet<string>,
    others: readonly ReadonlySet<string>[],
  ) => {
    const who = `${audience} ${profile}`;
    const known = has.get(who) ?? new Set<string>();
    has.delete(who);
    counts.members += should.size;
    const wrong = differing(should, known);
    if (wrong === 0) return;
    if (others.some((other) => differing(other, known) === 0)) {
      counts.thereAndBackDiffering += 1;
      return;
    }
    counts.wrong += wrong;
    const history = typeof profile === 'number' ? sent.exportsOf(profile) : [];
    differences.push({ audience, profile, should: [...should], has: [...known], history });
  };
  for (const { profile, audience, status, qualifiedAtMs, ...person } of tenant.truth(choice)) {
    const should = status === 'realized' ? expected(audience.name, person) : new Set<string>();
    const qualification = sent.qualification(audience.name, profile, qualifiedAtMs, status);
    const states = [...(qualification?.states.values() ?? [])];
    const known = states.map((state) => expected(audience.name, tenant.describe(profile, state, choice)));
    // What this route sees can come back where the whole state does not: an attribute that it does
    // not map has changed meanwhile.
    const first = known.findIndex((each) => differing(each, should) === 0);
    const isBack = first >= 0 && known.slice(first).some((each) => differing(each, should) > 0);
    const others = qualification?.isThereAndBack === true || isBack ? known : [];
    judge(audience.id, profile, should, others);
  }
  for (const who of has.keys()) {
    const [audience = '', nobody = ''] = who.split(' ');
    judge(audience, nobody, new Set(), []);
  }
  return { ...counts, differences };
}

/** How many are in one of the two only. */
function differing(left: ReadonlySet<string>, right: ReadonlySet<string>): number {
  return [...left].filter((each) => !right.has(each)).length + [...right].filter((each) => !left.has(each)).length;
}

/** Under which identities the receiver should know a member. */
function expected(audience: string, { identities, consentWithdrawn }: KnownPerson): ReadonlySet<string> {
  if (consentWithdrawn && audience === 'Gated') return new Set();
  return new Set(identities.map(({ namespace, value }) => `${namespace} ${value}`));
}

function activationFile(url: string): string {
  const route =
    '[{ destination: receiver, identity: [crmid, email], follow: ecid, attributes: { city: homeAddress.city } }]';
  return `version: 1
destinations:
  receiver: { type: webhook, settings: { url: ${url} } }
audiences:
  gated: { id: load-1, name: Gated, consent: consents.marketing.email.val, activate: ${route} }
  second: { id: load-2, name: Second, activate: ${route} }
  third: { id: load-3, name: Third, activate: ${route} }
`;
}

interface MemorySample {
  readonly settled: number;
  /** Resident MiB by process: the command itself and each of its children. */
  readonly mib: ReadonlyMap<string, number>;
}

function sampleMemory(processId: number, settled: () => number) {
  const samples: MemorySample[] = [];
  const stop = new AbortController();
  const sampling = (async () => {
    while (!stop.signal.aborted) {
      samples.push({ settled: settled(), mib: await residentMemory(processId) });
      await sleep(sampleEveryMs, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  })();
  return {
    async end() {
      stop.abort();
      await sampling;
      return samples;
    },
  };
}

async function residentMemory(processId: number): Promise<ReadonlyMap<string, number>> {
  const { stdout } = await promisify(execFile)('ps', ['-e', '-o', 'pid=,ppid=,rss=,args=']);
  const rows = stdout.split('\n').flatMap((line) => {
    const [, pid, parent, rss, words = ''] = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return pid === undefined ? [] : [{ pid: Number(pid), parent: Number(parent), mib: Number(rss) / 1024, words }];
  });
  const own = rows.filter(({ pid, parent }) => pid === processId || parent === processId);
  return new Map(own.map(({ pid, mib, words }) => [pid === processId ? 'hub and host' : nameOf(words), mib]));
}

function nameOf(words: string): string {
  return words.includes('azurite') ? 'azurite' : words.includes('worker-main') ? 'handler' : 'other';
}

function growthOf(samples: readonly MemorySample[]) {
  const names = [...new Set(samples.flatMap(({ mib }) => [...mib.keys()]))].filter((name) => name !== 'other');
  return names.map((name) => {
    const at = (share: number): number => {
      const from = samples.filter(({ settled }) => settled >= exportCount * share);
      const next = from.slice(0, 5).map(({ mib }) => mib.get(name) ?? 0);
      return Math.round(next.reduce((sum, each) => sum + each, 0) / Math.max(1, next.length));
    };
    const half = at(0.5);
    const end = Math.round(samples.at(-1)?.mib.get(name) ?? 0);
    return { process: name, startMiB: at(0), halfMiB: half, endMiB: end, isFlat: end - half <= flatMiB };
  });
}

function sentence(report: Awaited<ReturnType<typeof measure>>): string {
  const memory = report.memory
    .map(({ process: name, halfMiB, endMiB }) => `${name} ${halfMiB} → ${endMiB} MiB`)
    .join(', ');
  return (
    `${report.ok ? 'Fine' : 'WRONG'}: ${report.settled} of ${report.exports} exports settled in ${report.seconds} s ` +
    `(${report.settledPerSecond}/s), ${report.receiver.changes} changes told in ${report.receiver.requests} requests, ${report.deferred} deferred on the way, ` +
    `${report.ledgerReadsPerExport} ledger rows read and ${report.ledgerWritesPerExport} written per export in ${report.storageRequestsPerExport} requests, ` +
    `${report.wrong} of ${report.members} members wrong (${report.thereAndBackDiffering} people there and back within one qualification), ${report.receiver.outOfOrder} told out of order; second half: ${memory}.`
  );
}
