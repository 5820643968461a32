import { stableUuid } from '../place.ts';

export const subscriptionId = '11111111-2222-3333-4444-555555555555';
export const tenantId = '99999999-8888-7777-6666-555555555555';

/** The key that stands in for Adobe's. */
export const standInKey = 'stand-in-key';

/**
 * What only Azure can say of a resource of a Pulumi type: the same every time for the same seed,
 * such as its id.
 */
export function azureOutputs(type: string, seed: string): Readonly<Record<string, string>> {
  switch (type) {
    case 'azure-native:managedidentity:UserAssignedIdentity':
      return { principalId: stableUuid(`principal of ${seed}`), clientId: stableUuid(`client of ${seed}`), tenantId };
    case 'azure-native:applicationinsights:Component':
      return { connectionString: `InstrumentationKey=${stableUuid(seed)}` };
    case 'azure-native:network:PublicIPAddress':
      return { ipAddress: '203.0.113.9' };
    default:
      return {};
  }
}

/**
 * What Azure answers to a question (a Pulumi function by its token); throws for one that has no
 * stand-in.
 */
export function azureAnswer(token: string): Readonly<Record<string, unknown>> {
  switch (token) {
    case 'azure-native:authorization:getClientConfig':
      return { clientId: stableUuid('client'), objectId: stableUuid('object'), subscriptionId, tenantId };
    case 'azure-native:eventhub:listEventHubKeys':
      return { primaryKey: standInKey };
    default:
      throw new Error(`Failed to answer ${token}: there is no stand-in for it. Add one to plan/azure-answers.ts.`);
  }
}
