import { basename } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Begins with the tests that are named after the file: they find most of its mutants, and the first
 * failure ends a run.
 */
class OwnFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const { own = [], others = [] } = Object.groupBy(await super.sort(files), ({ moduleId }) =>
      basename(moduleId).startsWith(`${process.env.MUTANTS_FILE ?? ''}.`) ? 'own' : 'others',
    );
    return [...own, ...others];
  }
}

/**
 * How tests run against mutants. Models, properties and floods are left out: each plays hundreds of
 * histories, and what only they find deserves a small test of its own. One process runs one mutant
 * at a time, so that test files need no isolation from each other. `mutants.ts` says which tests
 * judge. The sandbox lies in `dist`, which the tests of the repository pass over.
 */
export default defineConfig({
  test: {
    include: [process.env.MUTANTS_TESTS ?? ''],
    exclude: [
      '**/node_modules/**',
      '**/*.model.test.ts',
      '**/*.properties.test.ts',
      '**/activate.{hostile,outage}.test.ts',
      '**/table-ledger.races.test.ts',
    ],
    isolate: false,
    reporters: [],
    sequence: { sequencer: OwnFirst },
    // A test that hangs fails before Stryker ends its process, which costs a new one.
    testTimeout: 8_000,
    hookTimeout: 60_000,
  },
});
