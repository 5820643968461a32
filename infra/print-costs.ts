import { costTable, zoneRedundantAppCost } from './costs.ts';

// The numbers of docs/operating/costs.md; `costs.test.ts` holds the page to them.
process.stdout.write(`${costTable()}\n\nzoneRedundantApp besides: ${zoneRedundantAppCost.toFixed(2)}\n`);
