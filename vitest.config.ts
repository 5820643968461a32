import { defineConfig } from 'vitest/config';
import { needShellIn } from './tools/need-shell.ts';

/** One configuration for every project; Nx runs it with the project's folder as root. */
export default defineConfig({
  test: {
    include: ['{src,testing,components,connectors,bench}/**/*.test.ts', '*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**', ...(process.platform === 'win32' ? needShellIn(process.cwd()) : [])],
    reporters: ['default', ['json', { outputFile: 'dist/test-results.json' }]],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
