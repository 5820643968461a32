import { Secret } from '@pulumi/azure-native/keyvault/secret.js';
import { Vault } from '@pulumi/azure-native/keyvault/vault.js';
import { ComponentResource, secret, type ComponentResourceOptions, type Output } from '@pulumi/pulumi';
import type { Place } from '../place.ts';

export interface SecretVaultArgs {
  readonly place: Place;
  /**
   * The names for which there are references: those that the activation file refers to as
   * `{ secret: name }`, and former ones.
   */
  readonly secretNames: readonly string[];
  /**
   * Values by name, as far as the stack's configuration has them; the others are left to be filled
   * by hand.
   */
  readonly values: ReadonlyMap<string, Output<string>>;
  /**
   * The names that are in the vault by the stack; of those without a value in `values` the vault's
   * own stays.
   */
  readonly storedSecrets: readonly string[];
  /**
   * Refuse everything that does not come through the private endpoint. Whether the references of a
   * Flex Consumption app pass such a vault's rules, Microsoft does not say; try it in an
   * environment that may break.
   */
  readonly isPrivate: boolean;
}

/**
 * The vault with the secrets of the destinations. Roles decide who reads, never access policies.
 * The handler gets them as references in its settings, without a version, so that a new value
 * counts within a day, or at the next start.
 */
export class SecretVault extends ComponentResource {
  readonly vaultId: Output<string>;
  readonly vaultName: string;
  /** By secret name: what the app setting says so that Azure puts the secret's value there. */
  readonly references: ReadonlyMap<string, string>;

  constructor(name: string, args: SecretVaultArgs, options?: ComponentResourceOptions) {
    super('activation-hub:infra:SecretVault', name, {}, options);
    const { place, secretNames, storedSecrets } = args;
    const vault = this.#createVault(name, args);
    for (const secretName of storedSecrets) this.#createSecret(name, args, vault, secretName);

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

  #createSecret(name: string, { place, values }: SecretVaultArgs, vault: Vault, secretName: string): Secret {
    const value = values.get(secretName);
    return new Secret(
      `${name}-secret-${secretName}`,
      {
        resourceGroupName: place.resourceGroupName,
        vaultName: vault.name,
        secretName,
        tags: place.tags,
        properties: { value: value ?? secret(''), contentType: 'text/plain' },
      },
      {
        parent: this,
        // To delete one is a call to the vault itself, for which the pipeline has no role
        // (pulumi-azure-native issue 2374).
        retainOnDelete: true,
        ignoreChanges: value === undefined ? ['properties'] : [],
      },
    );
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
