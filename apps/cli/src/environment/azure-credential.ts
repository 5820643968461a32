import type { TokenCredential } from '@azure/core-auth';

/**
 * Signs in to Azure as its other tools do: by the `AZURE_…` variables, `az login` and so on. Loaded
 * only where it is needed: it is large.
 */
export async function azureCredential(): Promise<TokenCredential> {
  const { DefaultAzureCredential } = await import('@azure/identity');
  return new DefaultAzureCredential();
}
