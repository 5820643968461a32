import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tryMutants, type MutantsToTry } from './try-mutants.ts';

// Within the repository, so that its tests find Vitest.
const dist = join(import.meta.dirname, 'dist');
let folder: string;
beforeAll(() => {
  mkdirSync(dist, { recursive: true });
  folder = mkdtempSync(join(dist, 'mutants-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const testWords = "import { expect, test } from 'vitest';\n";

/** Tries the mutants of one file, and says of each how it ended, by what it puts in place. */
async function outcomes(
  source: string,
  tests: Readonly<Record<string, string>>,
  options: Partial<MutantsToTry> = {},
): Promise<Readonly<Record<string, string>>> {
  const own = mkdtempSync(join(folder, 'library-'));
  writeFileSync(join(own, 'subject.ts'), source);
  for (const [name, text] of Object.entries(tests)) writeFileSync(join(own, name), testWords + text);
  const results = await tryMutants({
    folder: own,
    files: [join(own, 'subject.ts')],
    tests: ['*.test.ts'],
    ...options,
  });
  return Object.fromEntries(results.map(({ replacement, status }) => [replacement, status]));
}

const isFull = 'export function isFull(count: number, max: number): boolean {\n  return count >= max;\n}\n';

test('a mutant with which a test fails is killed, and one with which all pass survives', async () => {
  const loose = `import { isFull } from './subject.ts';
test('less is not full, and more is', () => expect([isFull(1, 2), isFull(3, 2)]).toEqual([false, true]));\n`;
  expect(await outcomes(isFull, { 'subject.test.ts': loose })).toEqual({
    '{}': 'Killed',
    true: 'Killed',
    false: 'Killed',
    'count < max': 'Killed',
    'count > max': 'Survived',
  });
  const strict = `import { isFull } from './subject.ts';
test('as much is full', () => expect(isFull(2, 2)).toBe(true));\n`;
  const both = await outcomes(isFull, { 'subject.test.ts': loose, 'subject.strict.test.ts': strict });
  expect(both).toMatchObject({ 'count > max': 'Killed' });
});

test('a mutant is where its code is, counted from 1', async () => {
  const own = mkdtempSync(join(folder, 'library-'));
  const file = join(own, 'subject.ts');
  writeFileSync(file, isFull);
  const results = await tryMutants({ folder: own, files: [file], tests: ['*.test.ts'] });
  const [less] = results.filter(({ replacement }) => replacement === 'count < max');
  expect(less?.location).toEqual({ start: { line: 2, column: 10 }, end: { line: 2, column: 22 } });
});

test('each run tries its own mutants, whatever an earlier one made of the file', async () => {
  const own = mkdtempSync(join(folder, 'library-'));
  const [first, second] = [join(own, 'first.ts'), join(own, 'second.ts')];
  writeFileSync(first, isFull.replace('isFull', 'isOver'));
  writeFileSync(second, isFull);
  const tests = `import { isFull } from './second.ts';
test('less is not full, and as much is', () => expect([isFull(1, 2), isFull(2, 2)]).toEqual([false, true]));\n`;
  writeFileSync(join(own, 'second.test.ts'), testWords + tests);
  const statuses = async (files: readonly string[]): Promise<readonly string[]> =>
    (await tryMutants({ folder: own, files, tests: ['*.test.ts'] }))
      .filter(({ fileName }) => fileName === second)
      .map(({ status }) => status);
  const all = ['Killed', 'Killed', 'Killed', 'Killed', 'Killed'];
  expect(await statuses([first, second])).toEqual(all);
  expect(await statuses([second])).toEqual(all);
});

test('a mutant that no test meets has no coverage', async () => {
  const other = `test('nothing is asked', () => expect(1).toBe(1));\n`;
  expect(new Set(Object.values(await outcomes(isFull, { 'other.test.ts': other })))).toEqual(new Set(['NoCoverage']));
});

test('a test that waits for what never comes ends its mutant', async () => {
  const source = `export async function answer(isOpen: boolean): Promise<string> {
  await new Promise<void>((resolve) => {
    if (isOpen) resolve();
  });
  return 'yes';
}\n`;
  const tests = `import { answer } from './subject.ts';
test('what is open answers', async () => expect(await answer(true)).toBe('yes'));\n`;
  const found = await outcomes(source, { 'subject.test.ts': tests });
  expect(found).toMatchObject({ false: 'Timeout', true: 'Survived', '""': 'Killed' });
});

test('a test with which a mutant waits in an assertion tries the others in the same process', async () => {
  const source = `export async function refusal(count: number, max: number): Promise<never> {
  await new Promise<void>((resolve) => {
    if (count < max) resolve();
  });
  return Promise.reject(new Error('full'));
}\n`;
  const pids = join(folder, 'pids');
  const tests = `import { appendFileSync } from 'node:fs';
import { refusal } from './subject.ts';
test('what is open refuses', async () => {
  appendFileSync('${pids.replaceAll('\\', '/')}', process.pid + '\\n');
  await expect(refusal(1, 2)).rejects.toThrow('full');
});\n`;
  const found = await outcomes(source, { 'subject.test.ts': tests });
  expect(found).toMatchObject({ 'count >= max': 'Timeout', 'count <= max': 'Survived', '""': 'Killed' });
  expect(new Set(readFileSync(pids, 'utf8').trim().split('\n')).size).toBe(1);
});

test('a loop without an end ends its mutant, whether it meets that again or not', async () => {
  const source = `export function countDown(from: number): number {
  let count = from;
  const ends = count > -1;
  while (!ends || count > 0) count--;
  return count;
}\n`;
  const tests = `import { countDown } from './subject.ts';
test('it counts', () => expect(countDown(3)).toBe(0));\n`;
  const found = await outcomes(source, { 'subject.test.ts': tests }, { silentAfterMs: 5_000 });
  // The first meets itself and fails; the second does not, and its process is ended.
  expect(found).toMatchObject({ 'count++': 'Killed', 'count <= -1': 'Timeout', 'count >= -1': 'Survived' });
});

test('what is computed while a file is loaded is judged in a run of its own', async () => {
  const source = `const words = ['one', 'two'];\nexport const first = (): string | undefined => words[0];\n`;
  const tests = `import { first } from './subject.ts';
test('the first word', () => expect(first()).toBe('one'));\n`;
  expect(await outcomes(source, { 'subject.test.ts': tests })).toMatchObject({ '[]': 'Killed' });
});

test('a test that passes once only judges each mutant in a run of its own', async () => {
  const once = `import { isFull } from './subject.ts';
let runs = 0;
test('only the first time', () => {
  runs += 1;
  expect([runs, isFull(1, 2), isFull(2, 2)]).toEqual([1, false, true]);
});\n`;
  expect(await outcomes(isFull, { 'subject.test.ts': once })).toEqual({
    '{}': 'Killed',
    true: 'Killed',
    false: 'Killed',
    'count < max': 'Killed',
    'count > max': 'Killed',
  });
});

test('a test that fails by what a mutant has left behind judges nothing, and ends nothing', async () => {
  const source = `export const steps: string[] = [];
export function step(isFirst: boolean): void {
  if (isFirst) steps.push('step');
}\n`;
  const first = `import { step, steps } from './subject.ts';
test('a step is a step', () => {
  const before = steps.length;
  step(true);
  step(false);
  expect(steps.length - before).toBe(1);
});\n`;
  const second = `import { steps } from './subject.ts';
test('there was one step, or none', () => expect(steps.length).toBeLessThan(2));\n`;
  const found = await outcomes(source, { 'subject.test.ts': first, 'zebra.test.ts': second });
  expect(found).toMatchObject({ true: 'Killed', false: 'Killed' });
});

test('what a test asks to be done at its end is done after each repetition', async () => {
  const source = `export const steps: string[] = [];\nexport function step(): void {\n  steps.push('step');\n}\n`;
  const tests = `import { onTestFinished } from 'vitest';
import { step, steps } from './subject.ts';
test('one step', () => {
  onTestFinished(() => void steps.splice(0));
  step();
  expect(steps).toEqual(['step']);
});\n`;
  expect(await outcomes(source, { 'subject.test.ts': tests })).toMatchObject({ '""': 'Killed', '{}': 'Killed' });
});

test('a test that fails without any mutant judges nothing', async () => {
  const wrong = `import { isFull } from './subject.ts';
test('as much is not full', () => expect(isFull(2, 2)).toBe(false));\n`;
  await expect(outcomes(isFull, { 'subject.test.ts': wrong })).rejects.toThrow(
    /tests fail without any\.\nsubject\.test\.ts: as much is not full: expected true to be false/,
  );
});
