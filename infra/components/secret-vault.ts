import { Secret } from '@pulumi/azure-native/keyvault/secret.js';
import { Vault } from '@pulumi/azure-native/keyvault/vault.js';
import { ComponentResource, type ComponentResourceOptions, type Output } from '@pulumi/pulumi';
import type { Place } from '../place.ts';

export interface SecretVaultArgs {
  readonly place: Place;
  /** The names that the activation file refers to as `{ secret: name }`. */
  readonly secretNames: readonly string[];
  /** Values by name, as far as the stack's configuration has them; the others are left to be filled by hand. */
  readonly values: ReadonlyMap<string, Output<string>>;
  /**
   * Refuse everything that does not come through the private endpoint. Whether the references of a Flex Consumption
   * app pass such a vault's rules, Microsoft does not say; try it in an environment that may break.
   */
  readonly isPrivate: boolean;
}

/**
 * The vault with the secrets of the destinations. Roles decide who reads, never access policies. The handler gets them as
 * references in its settings, without a version, so that a new value counts within a day, or at the next start.
 */
export class SecretVault extends ComponentResource {
  readonly vaultId: Output<string>;
  readonly vaultName: string;
  /** By secret name: what the app setting says so that Azure puts the secret's value there. */
  readonly references: ReadonlyMap<string, string>;

  constructor(name: string, args: SecretVaultArgs, options?: ComponentResourceOptions) {
    super('activation-hub:infra:SecretVault', name, {}, options);
    const { place, secretNames, values } = args;
    const vault = this.#createVault(name, args);
    for (const [secretName, value] of values) {
      new Secret(
        `${name}-secret-${secretName}`,
        {
          resourceGroupName: place.resourceGroupName,
          vaultName: vault.name,
          secretName,
          tags: place.tags,
          properties: { value, contentType: 'text/plain' },
        },
        // To delete one is a call to the vault itself, for which the pipeline has no role (pulumi-azure-native issue 2374).
        { parent: this, retainOnDelete: true },
      );
    }

    this.vaultId = vault.id;
    this.vaultName = place.names.vault;
    this.references = new Map(
      secretNames.map((secretName) => [
        secretName,
        `@Microsoft.KeyVault(SecretUri=https://${place.names.vault}.vault.azure.net/secrets/${secretName})`,
      ]),
    );
    this.registerOutputs({ vaultName: this.vaultName });
  }

  #createVault(name: string, { place, isPrivate }: SecretVaultArgs): Vault {
    return new Vault(
      `${name}-vault`,
      {
        resourceGroupName: place.resourceGroupName,
        vaultName: place.names.vault,
        location: place.location,
        tags: place.tags,
        properties: {
          tenantId: place.tenantId,
          sku: { family: 'A', name: 'standard' },
          enableRbacAuthorization: true,
          enableSoftDelete: true,
          softDeleteRetentionInDays: 90,
          enablePurgeProtection: true,
          publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled',
          networkAcls: { bypass: 'AzureServices', defaultAction: isPrivate ? 'Deny' : 'Allow' },
        },
      },
      { parent: this, protect: place.protectData },
    );
  }
}
