/**
 * `npm run chaos`: see README.md, "chaos". Exits with 1 when anything was lost or contradicted,
 * with 2 for a wrong option.
 */
import { parseArgs } from 'node:util';
import { tableLines } from '../src/terminal/table.ts';
import { recoveryMaxSeconds, runChaos, type ChaosReport } from './chaos.ts';
import { measureIsolation, type Isolation } from './isolation.ts';
import { plans } from './schedule.ts';
import type { Difference } from './truth.ts';

const help = `Usage: npm run chaos -- [options]

Sends the exports of a simulated tenant through real hosts while they are killed, and compares what receivers end with to what the
tenant knows of each person. The people enter and leave audiences, withdraw consent, and get, lose and change identities.

  --plan <failing|outage>  failing: all receivers but one fail in their own ways to the end, and in the middle the activation file
                           changes: a route is added and filled, one is retired, a destination is renamed (default)
                           outage: all receivers answer, one is down for ten seconds in the middle, and what waits for it
                           must be told within ${recoveryMaxSeconds} s of its return
  --exports <number>       how many exports (default 10000)
  --kills <number>         how many SIGKILLs; other faults follow (default 10)
  --seed <number>          the same seed gives the same people and the same schedule of faults (default 1)
  --no-isolation           does not measure what a hanging destination costs another one
  --duration-max <number>  minutes after which what is not drained is lost (default 60)
  --json                   one JSON object instead of tables
  --help                   this text

The report counts, over all receivers:
  lost          events that were never settled, members who are missing, members with attributes that are not the newest
  contradicted  changes that are older than what the receiver had
  left behind   people whom a receiver knows under an identity that is not theirs now, or at all though they should be out
  recovered     for each outage of a receiver, the time from its return until the last change that had waited was told
  duplicated    changes told again to the reliable receiver; no more than were in flight at the faults

With the plan failing it also measures what a destination that hangs costs another one.
Exits with 1 when something is lost, contradicted, left behind, a dead letter, leaked into a log or not recovered in time, with 2 for
a wrong option.

Examples:
  npm run chaos                                              some minutes on a laptop
  npm run chaos -- --plan outage --exports 20000 --kills 8
  npm run chaos -- --exports 50000 --kills 30 --duration-max 120
`;
/**
 * What is measured beside the chaos: long enough that the first timeouts of the hanging destination
 * do not decide alone.
 */
const isolationExportsMax = 30_000;

async function main(): Promise<void> {
  const { values } = parseArgs({
    allowNegative: true,
    options: {
      plan: { type: 'string', default: 'failing' },
      exports: { type: 'string', default: '10000' },
      kills: { type: 'string', default: '10' },
      seed: { type: 'string', default: '1' },
      'duration-max': { type: 'string', default: '60' },
      isolation: { type: 'boolean', default: true },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return;
  }
  const plan = plans.find((each) => each === values.plan);
  if (plan === undefined) throw new RangeError(`--plan must be one of ${plans.join(', ')}.`);
  const options = {
    plan,
    exports: wholeNumber('exports', values.exports, 1),
    kills: wholeNumber('kills', values.kills, 0),
    seed: wholeNumber('seed', values.seed, 0),
    durationMaxMs: wholeNumber('duration-max', values['duration-max'], 1) * 60_000,
  };
  const report = await runChaos({ ...options, onProgress: (sentence) => process.stderr.write(`${sentence}\n`) });
  if (!values.json) process.stdout.write(proseOf(report));
  const isolation = plan === 'failing' && values.isolation ? await isolationOf(options) : undefined;
  if (values.json) process.stdout.write(`${JSON.stringify({ ...report, isolation })}\n`);
  else if (isolation !== undefined) process.stdout.write(`\n${isolationText(isolation)}\n`);
  process.exitCode = report.ok ? 0 : 1;
}

async function isolationOf(options: {
  readonly exports: number;
  readonly seed: number;
  readonly durationMaxMs: number;
}): Promise<Isolation> {
  process.stderr.write('Chaos is over. Next: what a hanging destination costs another one.\n');
  return measureIsolation({ ...options, exports: Math.min(isolationExportsMax, options.exports) });
}

function wholeNumber(name: string, text: string, least: number): number {
  const number = /^\d+$/.test(text) ? Number(text) : NaN;
  if (number >= least && number <= 4_294_967_295) return number;
  throw new RangeError(`--${name} must be a whole number from ${least}.`);
}

function isolationText({ cost, answeringPerSecond, hangingPerSecond }: Isolation): string {
  return `A hanging destination costs another one ${(cost * 100).toFixed(1)} % (${answeringPerSecond} → ${hangingPerSecond} changes/s).`;
}

function proseOf(report: ChaosReport): string {
  const { faults, receivers, log } = report;
  const facts = [
    ['exports', String(report.exports)],
    ['changes told', String(report.changesTold)],
    [
      'faults',
      Object.entries(faults)
        .map(([kind, count]) => `${count} ${kind}`)
        .join(', '),
    ],
    ['lost', String(report.lost)],
    ['contradicted', String(report.contradicted)],
    ['left behind', String(report.leftBehind)],
    ['duplicated', `${report.duplicates} at the reliable receiver, of ${report.inFlight} in flight at faults`],
    [
      'drained',
      `${report.drained ? 'yes' : 'NO'}, ${report.drainSeconds} s after the last fault; ${report.deadLetters} dead letters, ${report.retriesLeft} blobs of retries left`,
    ],
    ['recovered', recoveriesText(report)],
    [
      'leaks',
      `${log.leaks} of ${log.lines} log lines; the control ${log.controlFinds ? 'finds' : 'FAILS TO FIND'} them`,
    ],
    ['orphans', String(report.orphans)],
    ['took', `${report.seconds} s, plan ${report.plan}, seed ${report.seed}`],
  ];
  const head = [
    'receiver',
    'requests',
    'faults',
    'applied',
    'again',
    'contradicted',
    'members',
    'missing',
    'outdated',
    'left behind',
    'there and back',
  ];
  const rows = receivers.map((each) => [
    each.kind,
    ...[each.requests, each.faults, each.applied, each.duplicates, each.contradicted].map(String),
    ...[each.members, each.missing, each.outdated, each.leftBehind].map(String),
    `${each.thereAndBackDiffering} of ${each.thereAndBack} differ`,
  ]);
  const lines = [report.ok ? 'Fine.' : 'WRONG.', ...tableLines(facts), '', ...tableLines([head, ...rows])];
  for (const { kind, differences } of receivers)
    for (const difference of differences) lines.push('', ...differenceLines(kind, difference));
  return `${lines.join('\n')}\n`;
}

/**
 * One person whom a receiver knows wrongly, with what was sent and what it took, so that a reader
 * sees why.
 */
function differenceLines(kind: string, { audience, person, should, has, history }: Difference): readonly string[] {
  return [
    `${kind}, audience ${audience}, person ${person}: should be known as ${JSON.stringify(should)}, is known as ${JSON.stringify(has)}.`,
    ...history.map((line) => `  ${line}`),
  ];
}

/**
 * Of each receiver its outages, how many ended in another one, and how long the others took to
 * recover from.
 */
function recoveriesText({ recoveries, recoveredInTime }: ChaosReport): string {
  const byReceiver = Map.groupBy(recoveries, ({ receiver }) => receiver);
  const texts = [...byReceiver].map(([receiver, ofReceiver]) => {
    const seconds = ofReceiver.flatMap(({ recoverySeconds }) => recoverySeconds ?? []).toSorted((a, b) => a - b);
    const cut = ofReceiver.length - seconds.length;
    const told = seconds.length === 0 ? '–' : `${median(seconds)} s, at most ${seconds.at(-1) ?? 0} s`;
    const outages = `${ofReceiver.length} ${ofReceiver.length === 1 ? 'outage' : 'outages'}`;
    return `${receiver} ${told} (${outages}${cut === 0 ? '' : `, ${cut} followed by another too soon`})`;
  });
  return `${recoveredInTime ? '' : 'TOO LATE: '}${texts.join('; ') || 'no receiver failed'}`;
}

function median(sorted: readonly number[]): number {
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
}

try {
  await main();
} catch (error) {
  process.stderr.write(`Failed to run chaos: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = error instanceof RangeError || error instanceof TypeError ? 2 : 1;
}
