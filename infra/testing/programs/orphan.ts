import { EventHub } from '@pulumi/azure-native/eventhub/eventHub.js';
import { ResourceGroup } from '@pulumi/azure-native/resources/resourceGroup.js';

/** A hub in a namespace that does not exist: valid as a body, and refused all the same. */
export default function program(): void {
  const group = new ResourceGroup('group', { resourceGroupName: 'rg', location: 'westeurope' });
  new EventHub('hub', { resourceGroupName: group.name, namespaceName: 'namespace-of-nobody', eventHubName: 'exports' });
}
