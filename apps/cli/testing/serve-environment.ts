/**
 * An environment as it is in Azure, for tests that open its page in a browser. Prints one JSON
 * object with the folder and the variables of a command, then takes a line on standard input: the
 * roles that the person has from then on, and prints what the CRM was told so far. Ends with
 * standard input.
 */
import { createInterface } from 'node:readline';
import { startDeployedEnvironment, type OperatorRole } from './deployed-environment.ts';

const environment = await startDeployedEnvironment();
const { folder, variables, roles, told } = environment;
const print = (value: object): void => void process.stdout.write(`${JSON.stringify(value)}\n`);
print({ folder, variables });
for await (const line of createInterface({ input: process.stdin })) {
  roles.clear();
  for (const role of JSON.parse(line) as readonly OperatorRole[]) roles.add(role);
  print({ told });
}
await environment.stop();
