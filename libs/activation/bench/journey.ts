/*
 * The journey in one process, against `JSON.parse` of the same bytes in the same run. Run: npm run
 * bench [-- --json]
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { InMemoryLedger } from '@activation-hub/membership';
import { activate } from '../src/index.ts';
import { batchesOf, exportsOf, newHub, nowMs } from './hub.ts';

const rounds = 9;
const warmUpRounds = 3;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/**
 * What the work takes of processors, garbage collection included, in milliseconds: what else the
 * machine does at the time counts little then.
 */
async function processorMs(work: () => Promise<void> | void): Promise<number> {
  // So that neither pays for what was made before it.
  collectGarbage();
  const start = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1_000;
}

interface Row {
  readonly kind: string;
  readonly bytes: number;
  readonly parseEventsPerSecond: number;
  readonly journeyEventsPerSecond: number;
  readonly ratio: number;
}

async function measure(kind: string, bodies: readonly Buffer[], changesNothing: boolean): Promise<Row> {
  const parseTimes: number[] = [];
  const journeyTimes: number[] = [];
  for (let round = -warmUpRounds; round < rounds; round += 1) {
    const context = newHub(new InMemoryLedger(), 500_000_000);
    const play = async (enqueuedAtMs: number): Promise<void> => {
      for (const batch of batchesOf(bodies, enqueuedAtMs)) await activate({ events: batch }, context);
    };
    if (changesNothing) await play(nowMs);
    const parseMs = await processorMs(() => {
      for (const body of bodies) JSON.parse(body.toString());
    });
    const journeyMs = await processorMs(() => play(nowMs + 1_000));
    if (round < 0) continue;
    parseTimes.push(parseMs);
    journeyTimes.push(journeyMs);
  }
  const perSecond = (ms: number): number => Math.round((bodies.length / ms) * 1_000);
  return {
    kind,
    bytes: Math.round(bodies.reduce((sum, body) => sum + body.length, 0) / bodies.length),
    parseEventsPerSecond: perSecond(median(parseTimes)),
    journeyEventsPerSecond: perSecond(median(journeyTimes)),
    ratio: Number(median(journeyTimes.map((ms, index) => ms / (parseTimes[index] ?? Number.NaN))).toFixed(2)),
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? Number.NaN;
}

const typical = exportsOf(5_000, 5, 2, true);
const large = exportsOf(500, 250, 5, false);
const rows = [
  await measure('typical, every export an entry (2 of 5 audiences routed)', typical, false),
  await measure('typical, nothing changes', typical, true),
  await measure('large, every export an entry (5 of 250 audiences routed)', large, false),
  await measure('large, nothing changes', large, true),
];

if (process.argv.includes('--json')) {
  process.stdout.write(`${JSON.stringify(rows)}\n`);
} else {
  process.stdout.write(
    'Events per second of one processor; ratio = processor time of the journey / of JSON.parse on the same bytes.\n\n',
  );
  for (const row of rows) {
    const figures = [row.bytes, row.parseEventsPerSecond, row.journeyEventsPerSecond].map((n) =>
      n.toLocaleString('en').padStart(9),
    );
    process.stdout.write(
      `${row.kind.padEnd(58)}${figures[0] ?? ''} bytes ${figures[1] ?? ''} JSON.parse ${figures[2] ?? ''} journey   ratio ${row.ratio.toFixed(2)}\n`,
    );
  }
}
