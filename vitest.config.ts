import { relative } from 'node:path';
import { defineConfig } from 'vitest/config';
import { needShellIn } from './tools/need-shell.ts';

const project = relative(import.meta.dirname, process.cwd());

/** One configuration for every project; Nx runs it with the project's folder as root. */
export default defineConfig({
  test: {
    include: ['{src,testing,components,connectors,bench}/**/*.test.ts', '*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**', ...(process.platform === 'win32' ? needShellIn(project) : [])],
    reporters: ['default', ['json', { outputFile: 'dist/test-results.json' }]],
    // A test ends when what it waits for is there. Only one that hangs meets these, however busy
    // the machine is.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 120_000 } },
  },
});
