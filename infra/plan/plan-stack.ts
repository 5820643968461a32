import stack from '../index.ts';
import { activationsFolder, stackFile } from '../operator-files.ts';
import { recordStack, type Recording } from './record-stack.ts';
import { configurationIn, secretKeysIn } from './stack-configuration.ts';

/**
 * What `pulumi up` would register for an operator's stack in an empty subscription, without
 * credentials.
 */
export function planStack(name: string): Promise<Recording> {
  const config = plannedConfiguration(name);
  const options = { stack: name, config, secretKeys: secretKeysIn(config), time: 'planned' } as const;
  return recordStack(() => stack(activationsFolder), options);
}

/**
 * The configuration of an operator's stack, complete enough to see what would be made: prod's file
 * does not say whom alerts reach before its operator does, and a deployment without it is refused.
 */
export function plannedConfiguration(stack: string): Record<string, string> {
  const written = configurationIn(stackFile(stack));
  const reachesNobody = written.alertEmails === '[]' && written.alertActionGroups === '[]';
  return stack === 'prod' && reachesNobody ? { ...written, alertEmails: '["on-call@example.com"]' } : written;
}
