// Reads what `activation local --json` prints, and ends when a change was delivered to the stand-in
// of a third party:
//   npm start --silent -- --json | node tools/wait-for-delivery.mjs
// The hub then has no reader any more, drains and ends. Ends with 1 where the hub ends first.
import process from 'node:process';
import { createInterface } from 'node:readline';

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${line}\n`);
  if (line.includes('"batch-settled"') && /"delivered":[1-9]/.test(line)) process.exit(0);
}
process.stderr.write('Failed to see a delivery: the hub ended before.\n');
process.exit(1);
