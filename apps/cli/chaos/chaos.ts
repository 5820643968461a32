import { setTimeout as sleep } from 'node:timers/promises';
import { encodeProfileExport, seededRandom } from '@activation-hub/audience-events/testing';
import { createTenant, type Tenant } from '../src/traffic/tenant.ts';
import { audiences, consentPath, identityNamespaces, mappedAttributes } from './chaos-file.ts';
import { LeakScan } from './leak-scan.ts';
import type { ReceiverCounts, ReceiverKind } from './receivers.ts';
import { RecoveryWatch, type Recovery } from './recoveries.ts';
import { faultKinds, makeSchedule, type FaultKind, type Plan, type ScheduledFault } from './schedule.ts';
import { Stage } from './stage.ts';
import { compare, SentStates, type Comparison } from './truth.ts';

export interface ChaosOptions {
  readonly exports: number;
  readonly seed: number;
  /** SIGKILLs; the other faults follow from their number. */
  readonly kills: number;
  readonly plan: Plan;
  /** After so long what is not drained counts as lost. */
  readonly durationMaxMs: number;
  /** Told what happens, for a person who waits. */
  readonly onProgress?: (sentence: string) => void;
}

export interface ReceiverReport extends Omit<Readonly<ReceiverCounts>, 'contradicted'>, Comparison {
  readonly kind: ReceiverKind;
  /** Changes told and not settled when a host, a worker or the storage was gone. */
  readonly unsettled: number;
}

export interface ChaosReport {
  readonly ok: boolean;
  readonly plan: Plan;
  readonly seed: number;
  readonly exports: number;
  readonly changesTold: number;
  readonly faults: Readonly<Record<FaultKind, number>>;
  /** Members missing, members with outdated attributes; and events never settled. */
  readonly lost: number;
  readonly contradicted: number;
  /**
   * People whom a receiver knows under an identity that is not theirs now, or at all though they
   * should be out.
   */
  readonly leftBehind: number;
  /**
   * At the reliable receiver: changes applied again, and changes under way at the faults, which
   * bound them.
   */
  readonly duplicates: number;
  readonly inFlight: number;
  readonly drained: boolean;
  readonly deadLetters: number;
  /**
   * Blobs of retries without a message: a host was killed, or the storage stopped, between the two,
   * and the batch was told again under another name; or the removal of a settled one failed, and
   * its host was killed before the next.
   */
  readonly retriesLeft: number;
  readonly orphans: number;
  readonly seconds: number;
  /** From the last fault until all is drained. */
  readonly drainSeconds: number;
  /** Of every outage of a receiver, how long it took to tell it what had waited. */
  readonly recoveries: readonly Recovery[];
  /**
   * Whether every one of them kept to `recoveryMaxSeconds`; always so where the plan does not
   * promise it.
   */
  readonly recoveredInTime: boolean;
  readonly log: { readonly lines: number; readonly leaks: number; readonly controlFinds: boolean };
  readonly receivers: readonly ReceiverReport[];
}

/** How long a lease lives here: what a kill leaves in doubt is told again after so long. */
const leaseSeconds = 20;
const hostsUsual = 2;
/** What the plan `outage` promises. */
export const recoveryMaxSeconds = 60;
/**
 * How far the simulator may be ahead of the handler, so that faults meet work: this share of all
 * exports, within bounds.
 */
const ahead = { share: 0.04, least: 60, most: 1_000 };
const lookEveryMs = 100;
const lookIntoStorageEveryMs = 1_000;

/**
 * Sends the exports of a simulated tenant while things go wrong by a seeded schedule, lets
 * everything drain once they do not any more, and compares what every receiver ends with to what
 * the tenant knows. Throws when the parts cannot be started.
 */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { seed, exports, kills, plan, onProgress = () => undefined } = options;
  const startedAtMs = performance.now();
  const deadline = AbortSignal.timeout(options.durationMaxMs);
  const scan = new LeakScan();
  const recoveries = new RecoveryWatch(() => stage.waiting());
  const stage: Stage = await Stage.start({
    seed,
    leaseSeconds,
    ...(plan === 'outage' ? { kinds: ['reliable', 'down'], answering: ['reliable', 'down'] } : {}),
    onLine: (line) => scan.scan(line),
    onSecret: (secret) => scan.add(secret),
    onOutage: (outage) => recoveries.returned(outage),
  });
  try {
    const tenant = tenantOf(seed, exports);
    const sent = new SentStates();
    await Promise.all(Array.from({ length: hostsUsual }, () => stage.hosts.start()));
    const schedule = makeSchedule({ seed, kills, plan });
    const watching = recoveries.watch();
    await suffer({ stage, tenant, sent, scan, schedule, exports, seed, deadline, onProgress });

    onProgress(`The faults have stopped; ${leftOf(stage)} events are to be settled.`);
    const stoppedAtMs = performance.now();
    await Promise.all([...stage.receivers.values()].map((receiver) => receiver.heal()));
    const isDrained = await drain(stage, deadline, onProgress);
    const endedAtMs = performance.now();
    const recovered = recoveries.end();
    await watching;
    const stored = await stage.stored();
    const left = leftOf(stage);
    await stage.hosts.stop();

    const version = plan === 'outage' ? 'before' : 'after';
    const receivers = [...stage.receivers.values()].map((receiver): ReceiverReport => {
      const { kind, counts } = receiver;
      return { kind, ...counts, ...compare(tenant, sent, receiver, version), unsettled: stage.unsettled(receiver) };
    });
    const measured = { left, isDrained, stored, recovered, orphans: stage.hosts.orphans };
    return {
      ...judge(options, receivers, scan, measured),
      faults: countKinds(schedule),
      seconds: Math.round((endedAtMs - startedAtMs) / 1_000),
      drainSeconds: Math.round((endedAtMs - stoppedAtMs) / 1_000),
    };
  } finally {
    recoveries.end();
    await stage.stop();
  }
}

/** What is wrong with what is there in the end. */
function judge(
  { plan, seed, exports }: ChaosOptions,
  receivers: readonly ReceiverReport[],
  scan: LeakScan,
  measured: {
    /** Events that are not settled. */
    readonly left: number;
    readonly isDrained: boolean;
    readonly stored: Awaited<ReturnType<Stage['stored']>>;
    readonly recovered: readonly Recovery[];
    readonly orphans: number;
  },
): Omit<ChaosReport, 'faults' | 'seconds' | 'drainSeconds'> {
  const { left, isDrained, stored, recovered, orphans } = measured;
  const sum = (of: (receiver: ReceiverReport) => number): number => receivers.reduce((all, each) => all + of(each), 0);
  const lost = left + sum(({ missing, outdated }) => missing + outdated);
  const contradicted = sum((receiver) => receiver.contradicted);
  const leftBehind = sum((receiver) => receiver.leftBehind);
  const reliable = receivers.find(({ kind }) => kind === 'reliable');
  const duplicates = reliable?.duplicates ?? 0;
  const inFlight = reliable?.unsettled ?? 0;
  const log = { lines: scan.lines, leaks: scan.leaks, controlFinds: scan.controlFinds() };
  const recoveredInTime =
    plan !== 'outage' ||
    (recovered.length > 0 &&
      recovered.every(({ recoverySeconds = Infinity }) => recoverySeconds <= recoveryMaxSeconds));
  const { deadLetters, retries: retriesLeft } = stored;
  const isClean = [lost, contradicted, leftBehind, deadLetters, orphans, log.leaks].every((count) => count === 0);
  return {
    ok: isClean && duplicates <= inFlight && log.controlFinds && isDrained && recoveredInTime,
    plan,
    seed,
    exports,
    changesTold: sum(({ applied }) => applied),
    lost,
    contradicted,
    leftBehind,
    duplicates,
    inFlight,
    drained: isDrained,
    deadLetters,
    retriesLeft,
    orphans,
    recoveries: recovered,
    recoveredInTime,
    log,
    receivers,
  };
}

/**
 * A tenant for the audiences of the chaos file; few enough people that each of them is told of more
 * than once.
 */
export function tenantOf(seed: number, exports: number): Tenant {
  return createTenant({
    seed,
    profiles: Math.max(100, Math.round(exports / 5)),
    audiences: audiences.map((key) => ({ namespace: 'ups', id: `chaos-${key}`, name: key })),
    namespaces: [...identityNamespaces],
    attributes: Object.values(mappedAttributes),
    consents: [consentPath],
  });
}

/** What goes on while further faults come; how it ended is looked at in the end. */
type Beside = Promise<readonly PromiseSettledResult<void>[]>;

interface Suffering {
  readonly stage: Stage;
  readonly tenant: Tenant;
  readonly sent: SentStates;
  readonly scan: LeakScan;
  readonly schedule: readonly ScheduledFault[];
  readonly exports: number;
  readonly seed: number;
  readonly deadline: AbortSignal;
  readonly onProgress: (sentence: string) => void;
}

/**
 * Sends everything, with one fault after another meanwhile; returns when all has been sent, the
 * last fault is over, and what goes on beside them has come to its end.
 */
async function suffer(suffering: Suffering): Promise<void> {
  const { stage, schedule, exports, seed, deadline, onProgress } = suffering;
  const random = seededRandom(seed ^ 0x5e4d);
  const aheadMax = Math.min(ahead.most, Math.max(ahead.least, exports * ahead.share));
  const isLate = (): boolean => deadline.aborted;
  const beside: Beside[] = [];
  let done = 0;
  const sendUntil = async (until: number): Promise<void> => {
    while (done < until && !isLate()) {
      const size = Math.min(until - done, 10 + Math.floor(random() * 60));
      await stage.sender.send(nextBodies(size, suffering));
      done += size;
      while (leftOf(stage) > aheadMax && !isLate()) await sleep(lookEveryMs);
    }
  };
  for (const [index, fault] of [undefined, ...schedule].entries()) {
    if (isLate()) return;
    if (fault !== undefined)
      onProgress(`${done} of ${exports} exports sent, ${leftOf(stage)} to be settled: ${fault.kind}`);
    const sending = sendUntil(Math.round((exports * (index + 1)) / (schedule.length + 1)));
    await Promise.all([sending, ...(fault === undefined ? [] : [carryOut(fault, suffering, beside)])]);
  }
  const ended = (await Promise.all(beside)).flat();
  for (const each of ended) if (each.status === 'rejected') throw each.reason;
}

function nextBodies(count: number, { tenant, sent, scan }: Suffering): readonly Uint8Array[] {
  return Array.from({ length: count }, () => {
    const nowMs = Date.now();
    const simulated = tenant.next(nowMs);
    const { body } = simulated;
    sent.note(simulated, nowMs);
    scan.addExport(body);
    return encodeProfileExport(body);
  });
}

async function carryOut(
  { kind, pick, lastsMs }: ScheduledFault,
  { stage, deadline }: Suffering,
  beside: Beside[],
): Promise<void> {
  switch (kind) {
    case 'host-killed':
      await stage.hosts.kill(pick);
      await sleep(lastsMs);
      return stage.hosts.start();
    case 'worker-killed':
      stage.hosts.killWorker(pick);
      return sleep(lastsMs);
    case 'host-added':
      return stage.hosts.start();
    case 'host-removed':
      stage.hosts.remove(pick);
      return sleep(lastsMs);
    case 'connections-dropped':
      stage.emulator.faults.dropConnections();
      return sleep(lastsMs);
    case 'storage-stopped':
      return stage.interruptStorage(() => sleep(lastsMs));
    case 'file-changed': {
      const { operated } = await stage.changeFile(deadline);
      beside.push(Promise.allSettled([operated]));
      return;
    }
    case 'receiver-down': {
      const down = stage.receivers.get('down');
      if (down !== undefined) beside.push(Promise.allSettled([down.beDown(lastsMs)]));
      return;
    }
  }
}

/**
 * Waits until every partition is at its head and nothing waits in the retry queue: no retry, or no
 * message that makes one due. Says whether that came in time.
 */
async function drain(stage: Stage, deadline: AbortSignal, onProgress: (sentence: string) => void): Promise<boolean> {
  let last = '';
  while (!deadline.aborted) {
    const left = leftOf(stage);
    const { messages, retries } = await stage.stored();
    if (left === 0 && (messages === 0 || retries === 0)) return true;
    const sentence = `${left} events are to be settled, ${retries} retries wait.`;
    if (sentence !== last) onProgress(sentence);
    last = sentence;
    await sleep(lookIntoStorageEveryMs, undefined, { signal: deadline }).catch(() => undefined);
  }
  return false;
}

function leftOf(stage: Stage): number {
  const { sent, settled } = stage.progress();
  return sent - settled;
}

function countKinds(schedule: readonly ScheduledFault[]): Record<FaultKind, number> {
  const counts = faultKinds.map((kind) => [kind, schedule.filter((fault) => fault.kind === kind).length] as const);
  return Object.fromEntries(counts) as Record<FaultKind, number>;
}
