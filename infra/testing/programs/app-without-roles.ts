import { WebApp } from '@pulumi/azure-native/web/webApp.js';

/** The app as it is, but its identity has no role. */
export default function program(): Promise<Record<string, never>> {
  const identity = '/subscriptions/1/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id';
  new WebApp('app', {
    resourceGroupName: 'rg-app',
    name: 'func-app',
    location: 'westeurope',
    kind: 'functionapp,linux',
    httpsOnly: true,
    identity: { type: 'UserAssigned', userAssignedIdentities: [identity] },
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer',
          value: 'https://account.blob.core.windows.net/app-package',
          authentication: { type: 'UserAssignedIdentity', userAssignedIdentityResourceId: identity },
        },
      },
      runtime: { name: 'node', version: '24' },
      scaleAndConcurrency: { instanceMemoryMB: 2048, maximumInstanceCount: 40 },
    },
  });
  return Promise.resolve({});
}
