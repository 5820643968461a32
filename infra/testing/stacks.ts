import stack from '../index.ts';
import { recordStack, subscriptionId, type RecordedResource, type Recording } from '../plan/record-stack.ts';
import { secretKeysIn } from '../plan/stack-configuration.ts';
import { fixtureActivations, fixtureConfiguration } from './fixture-stacks.ts';

/**
 * Every option on at once, on top of prod: what the three environments do not use is tested too.
 */
const everything = {
  tags: '{"costCenter":"4711"}',
  sendOnly: 'true',
  adobeEgressRanges: '["203.0.113.0/24","198.51.100.7"]',
  ledgerAccounts: '4',
  rollingUpdate: 'true',
  zoneRedundantApp: 'true',
  geoRedundant: 'true',
  privateNetwork: 'true',
  privateVault: 'true',
  alertActionGroups: `["/subscriptions/${subscriptionId}/resourceGroups/rg-on-call/providers/Microsoft.Insights/actionGroups/on-call"]`,
  repositoryUrl: 'https://github.com/contoso/activation-hub/blob/main',
  budgetMonthly: '500',
  budgetStart: '2026-12-01',
  'secret-crm-signing-secret': 'hush',
  aepOrganisation: '0123456789ABCDEF@AdobeOrg',
  aepSandbox: 'prod',
  aepClientId: 'client',
  aepClientSecret: 'hush',
};

/** The stacks that are tested; `everything` is prod with every option on. */
export const testedStacks = ['dev', 'staging', 'prod', 'everything'] as const;
export type TestedStack = (typeof testedStacks)[number];

const recordings = new Map<string, Promise<Recording>>();

/**
 * A tested stack as it is once Azure has answered, with configuration of one's own on top. The same
 * question is answered with the same recording.
 */
export function recordTestedStack(
  name: TestedStack,
  over: Readonly<Record<string, string>> = {},
  time: 'planned' | 'made' = 'made',
): Promise<Recording> {
  const key = JSON.stringify([name, over, time]);
  const recording = recordings.get(key) ?? recordAnew(name, over, time);
  recordings.set(key, recording);
  return recording;
}

/**
 * The same, without looking at what was recorded before, and with the outputs of an earlier `up`.
 */
export function recordAnew(
  name: TestedStack,
  over: Readonly<Record<string, string>> = {},
  time: 'planned' | 'made' = 'made',
  formerOutputs: Readonly<Record<string, unknown>> = {},
): Promise<Recording> {
  const environment = name === 'everything' ? 'prod' : name;
  const config = { ...fixtureConfiguration(environment), ...(name === 'everything' ? everything : {}), ...over };
  return recordStack(() => stack(fixtureActivations), {
    stack: environment,
    config,
    secretKeys: secretKeysIn(config),
    time,
    formerOutputs,
  });
}

/**
 * The only resource of a type, by the end of the type's name; throws when there are none or
 * several.
 */
export function theOnly(resources: readonly RecordedResource[], type: string): RecordedResource {
  const found = ofType(resources, type);
  const [only] = found;
  if (only === undefined || found.length > 1) {
    throw new Error(`Failed to find the ${type}: there are ${found.length}.`);
  }
  return only;
}

export function ofType(resources: readonly RecordedResource[], type: string): readonly RecordedResource[] {
  return resources.filter((resource) => resource.type.endsWith(`:${type}`));
}

/** The resource of a name; throws when there is none. */
export function named(resources: readonly RecordedResource[], name: string): RecordedResource {
  const found = resources.find((resource) => resource.name === name);
  if (found === undefined)
    throw new Error(`Failed to find ${name} among ${resources.map((one) => one.name).join(', ')}.`);
  return found;
}
