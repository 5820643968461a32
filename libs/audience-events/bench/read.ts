import { readProfileExports } from '../src/index.ts';
import { encodeProfileExport, largeProfileExport, seededRandom, typicalProfileExport } from '../testing/index.ts';

// Compares readProfileExports with JSON.parse of the same bytes, in one process. Run: npm run
// bench:read Both take turns, so that both see the same machine; the ratio is the median of the
// rounds' ratios.
const rounds = 200;
const warmUpRounds = 40;
const bytesPerTurn = 500_000;
const kinds = { typical: typicalProfileExport, large: largeProfileExport };

for (const [kind, build] of Object.entries(kinds)) {
  const random = seededRandom(1);
  const bodies = Array.from({ length: 50 }, () => encodeProfileExport(build(random, Date.UTC(2026, 0, 15))));
  const bytes = bodies.reduce((sum, body) => sum + body.length, 0) / bodies.length;
  const repetitions = Math.max(1, Math.round(bytesPerTurn / bytes / bodies.length));
  const nanosecondsPerBody = (read: (body: Buffer) => unknown): number => {
    const start = process.hrtime.bigint();
    for (let repetition = 0; repetition < repetitions; repetition += 1) for (const body of bodies) read(body);
    return Number(process.hrtime.bigint() - start) / (repetitions * bodies.length);
  };
  const parse = (body: Buffer): unknown => JSON.parse(body.toString());
  const parseTimes: number[] = [];
  const readTimes: number[] = [];
  for (let round = -warmUpRounds; round < rounds; round += 1) {
    const first = round % 2 === 0 ? nanosecondsPerBody(parse) : undefined;
    const readTime = nanosecondsPerBody(readProfileExports);
    const parseTime = first ?? nanosecondsPerBody(parse);
    if (round < 0) continue;
    parseTimes.push(parseTime);
    readTimes.push(readTime);
  }
  const ratios = readTimes.map((readTime, round) => readTime / (parseTimes[round] ?? Number.NaN));
  process.stdout.write(
    `${kind} (${Math.round(bytes)} bytes): JSON.parse ${Math.round(median(parseTimes))} ns, ` +
      `readProfileExports ${Math.round(median(readTimes))} ns, ratio ${median(ratios).toFixed(2)}\n`,
  );
}

function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? Number.NaN;
}
