const help = `Many simulated exports through activation local, as a user would run it, to a receiver of our own.

  npm run bench:local [-- <exports> <profiles> <minutes>]                    the load check (default 100000 20000 15)
  npm run bench:local -- burst [--exports 20000] [--partitions 4] [--json]   the burst

load check   exports of people who enter, leave and change, for at most so many minutes: every change must have reached the receiver,
             none after a newer one, and memory must stay flat. Prints one JSON object, and a line for people to standard error
burst        entries of as many people at once, beside a bare consumer of the same events in the same run. Prints a table

Exits with 1 when something is wrong, with 2 for a wrong option.
`;

const words = process.argv.slice(2);
const isWrong = words[0] !== 'burst' && words.some((word) => !/^[1-9]\d*$/.test(word));
if (words.includes('--help')) process.stdout.write(help);
else if (isWrong) {
  process.stderr.write(`Failed to read the options: ${words.join(' ')}. Give whole numbers, or see --help.\n`);
  process.exitCode = 2;
} else if (words[0] === 'burst') {
  process.argv.splice(2, 1);
  await import('./local-burst.ts');
} else await import('./local-load.ts');
