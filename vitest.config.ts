import { defineConfig } from 'vitest/config';

/** One configuration for every project; Nx runs it with the project's folder as root. */
export default defineConfig({
  test: {
    include: ['{src,testing,components,connectors,bench}/**/*.test.ts', '*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    reporters: ['default', ['json', { outputFile: 'dist/test-results.json' }]],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
