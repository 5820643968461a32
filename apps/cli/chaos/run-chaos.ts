/** `npm run chaos`: see README.md, "chaos". Exits with 1 when anything was lost or contradicted, with 2 for a wrong option. */
import { parseArgs } from 'node:util';
import { tableLines } from '../src/table.ts';
import { runChaos, type ChaosReport } from './chaos.ts';
import { measureIsolation, type Isolation } from './isolation.ts';

const help = `Usage: npm run chaos -- [options]

Sends the exports of a simulated tenant through real hosts while they are killed, and compares what receivers end with to the truth.

  --exports <number>       how many exports (default 10000)
  --kills <number>         how many SIGKILLs; other faults follow (default 10)
  --seed <number>          the same seed gives the same schedule of faults (default 1)
  --duration-max <number>  minutes after which what is not drained is lost (default 60)
  --json                   one JSON object instead of tables
  --help                   this text
`;
/** What is measured beside the chaos: long enough that the first timeouts of the hanging destination do not decide alone. */
const isolationExportsMax = 30_000;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      exports: { type: 'string', default: '10000' },
      kills: { type: 'string', default: '10' },
      seed: { type: 'string', default: '1' },
      'duration-max': { type: 'string', default: '60' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return;
  }
  const options = {
    exports: wholeNumber('exports', values.exports, 1),
    kills: wholeNumber('kills', values.kills, 0),
    seed: wholeNumber('seed', values.seed, 0),
    durationMaxMs: wholeNumber('duration-max', values['duration-max'], 1) * 60_000,
  };
  const report = await runChaos({ ...options, onProgress: (sentence) => process.stderr.write(`${sentence}\n`) });
  process.stderr.write(
    `Chaos is over: ${report.lost} lost, ${report.contradicted} contradicted, ${report.duplicates} duplicated of ${report.inFlight} in flight, ` +
      `drained after ${report.recoverySeconds} s. Next: what a hanging destination costs another one.\n`,
  );
  const { seed, durationMaxMs } = options;
  const isolation = await measureIsolation({
    exports: Math.min(isolationExportsMax, options.exports),
    seed,
    durationMaxMs,
  });
  process.stdout.write(values.json ? `${JSON.stringify({ ...report, isolation })}\n` : proseOf(report, isolation));
  process.exitCode = report.ok ? 0 : 1;
}

function wholeNumber(name: string, text: string, least: number): number {
  const number = /^\d+$/.test(text) ? Number(text) : NaN;
  if (number >= least && number <= 4_294_967_295) return number;
  throw new RangeError(`--${name} must be a whole number from ${least}.`);
}

function proseOf(report: ChaosReport, isolation: Isolation): string {
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
    ['duplicated', `${report.duplicates} at the reliable receiver, of ${report.inFlight} in flight at faults`],
    [
      'drained',
      `${report.drained ? 'yes' : 'NO'}, ${report.recoverySeconds} s after the last fault; ${report.deadLetters} dead letters, ${report.retriesLeft} blobs of retries left`,
    ],
    [
      'leaks',
      `${log.leaks} of ${log.lines} log lines; the control ${log.controlFinds ? 'finds' : 'FAILS TO FIND'} them`,
    ],
    ['orphans', String(report.orphans)],
    [
      'hanging costs',
      `${(isolation.cost * 100).toFixed(1)} % (${isolation.answeringPerSecond} → ${isolation.hangingPerSecond} changes/s)`,
    ],
    ['took', `${report.seconds} s, seed ${report.seed}`],
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
    'extra',
    'outdated',
    'there and back',
  ];
  const rows = receivers.map((each) => [
    each.kind,
    ...[each.requests, each.faults, each.applied, each.duplicates, each.contradicted].map(String),
    ...[each.members, each.missing, each.extra, each.outdated].map(String),
    `${each.thereAndBackDiffering} of ${each.thereAndBack} differ`,
  ]);
  return `${[report.ok ? 'Fine.' : 'WRONG.', ...tableLines(facts), '', ...tableLines([head, ...rows])].join('\n')}\n`;
}

try {
  await main();
} catch (error) {
  process.stderr.write(`Failed to run chaos: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = error instanceof RangeError || error instanceof TypeError ? 2 : 1;
}
