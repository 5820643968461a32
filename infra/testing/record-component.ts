import { isSecret, output, type Output } from '@pulumi/pulumi';
import { createNames, type Place } from '../place.ts';
import { subscriptionId, tenantId } from '../plan/azure-answers.ts';
import { recordStack, type RecordedResource } from '../plan/record-stack.ts';

/** A place for one component, with zones and protection as asked. */
export function placeForTests(over: Partial<Place> = {}): Place {
  return {
    resourceGroupName: 'rg-acthub-dev',
    location: 'westeurope',
    subscriptionId,
    tenantId,
    names: createNames({ workload: 'acthub', environment: 'dev', subscriptionId }),
    tags: { environment: 'dev' },
    zoneRedundant: false,
    geoRedundant: false,
    protectData: false,
    ...over,
  };
}

/**
 * Makes something on the mock engine and gives every resource that was registered, and what was
 * made.
 */
export async function recordComponent<Made>(
  make: () => Made,
): Promise<{ readonly resources: readonly RecordedResource[]; readonly made: Made }> {
  const made: Made[] = [];
  const program = (): Promise<Record<string, never>> => {
    made.push(make());
    return Promise.resolve({});
  };
  const { resources } = await recordStack(program, { stack: 'dev', config: {}, time: 'made' });
  const [only] = made;
  if (only === undefined) throw new Error('Failed to record the component: the program did not run.');
  return { resources, made: only };
}

/** What an output is in the end, and whether it is kept secret. */
export async function settled<Value>(value: Output<Value>): Promise<{ value: Value; isSecret: boolean }> {
  const found = new Promise<Value>((resolve) => {
    output(value).apply((known) => resolve(known as Value));
  });
  return { value: await found, isSecret: await isSecret(value) };
}
