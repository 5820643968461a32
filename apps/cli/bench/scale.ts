/* What a million, a hundred million and a billion exports a day ask for, and whether that holds. */
import { parseArgs } from 'node:util';
import { logSizes } from './log-volume.ts';
import { logTable, scaleReport, scaleTables } from './scale-report.ts';

const help = `Reckons what volumes of exports need of Azure, and plays the peak of each over virtual time.

  npm run bench:scale [-- --json]

  --json  prints JSON instead of tables

The assumptions and the tables are those of docs/operating/scale.md; a test holds the page to them.
`;

const { values } = parseArgs({ options: { json: { type: 'boolean' }, help: { type: 'boolean' } } });
if (values.help === true) process.stdout.write(help);
else {
  const report = scaleReport(logSizes());
  process.stdout.write(
    values.json === true
      ? `${JSON.stringify({ bench: 'scale', ...report })}\n`
      : `${scaleTables(report)}\n\n${logTable(report)}\n`,
  );
}
