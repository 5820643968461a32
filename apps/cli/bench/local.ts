/**
 * `npm run bench:local` is the load check (`local-load.ts`); `npm run bench:local -- burst` is the
 * burst (`local-burst.ts`). What follows goes to the one that is run.
 */
if (process.argv[2] === 'burst') {
  process.argv.splice(2, 1);
  await import('./local-burst.ts');
} else await import('./local-load.ts');
