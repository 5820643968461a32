import { readFileSync } from 'node:fs';
import { driftIn, driftText } from './drift.ts';

// node tools/print-drift.ts <environment> <file>: the text of an issue, or nothing where nothing
// has drifted.
const [environment, file] = process.argv.slice(2);
if (environment === undefined || file === undefined) {
  process.stderr.write(
    'Usage: node tools/print-drift.ts <environment> <what pulumi preview --refresh --json printed>\n',
  );
  process.exitCode = 2;
} else process.stdout.write(driftText(environment, driftIn(readFileSync(file, 'utf8'))));
