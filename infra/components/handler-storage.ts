import { dataStores } from '@activation-hub/handler-contract';
import { BlobContainer } from '@pulumi/azure-native/storage/blobContainer.js';
import { BlobServiceProperties } from '@pulumi/azure-native/storage/blobServiceProperties.js';
import { ManagementPolicy } from '@pulumi/azure-native/storage/managementPolicy.js';
import { Queue } from '@pulumi/azure-native/storage/queue.js';
import type { StorageAccount } from '@pulumi/azure-native/storage/storageAccount.js';
import { Table } from '@pulumi/azure-native/storage/table.js';
import { ComponentResource, type ComponentResourceOptions, type Output } from '@pulumi/pulumi';
import type { Place } from '../place.ts';
import { createStorageAccount } from './storage-account.ts';

export interface HandlerStorageArgs {
  readonly place: Place;
  /** Reachable through private endpoints only. */
  readonly isPrivate: boolean;
  /** Over how many accounts the ledger is spread; with 1 it is in the data account. */
  readonly ledgerAccounts: number;
  /** Where the ledger is instead, in Cosmos DB for Table; empty for storage accounts. */
  readonly ledgerCosmosEndpoint: string;
}

/**
 * After how many days a dead letter is in cheaper storage, and after how many it is deleted: it
 * holds personal data.
 */
const deadLetterDays = { cool: 30, delete: 90 };

/**
 * After how many days an export of the ledger is deleted: the hub keeps events for seven at the
 * most, and the gap to an older export cannot be closed any more. It holds personal data.
 */
const ledgerExportDays = 8;

/** For how many days a deleted dead letter can be brought back. */
const softDeleteDays = 14;

/**
 * The handler's two storage accounts, and those over which its ledger is spread where one is not
 * enough. The host's account has the checkpoints and the deployed
 * package; each checkpoint is a write to a blob, so it has neither versions nor soft delete. The
 * data account has the ledger, the retry queue (with a container for what its messages point to,
 * and the poison queue), and the dead letters, which a person can bring back for two weeks.
 */
export class HandlerStorage extends ComponentResource {
  readonly hostAccountId: Output<string>;
  /** `https://….blob.core.windows.net` of the host's account. */
  readonly hostBlobEndpoint: string;
  readonly packageContainer: Output<string>;
  readonly dataAccountId: Output<string>;
  /**
   * Without a slash at the end. `table` names the accounts of the ledger in their order, separated
   * by commas.
   */
  readonly dataEndpoints: { readonly blob: string; readonly queue: string; readonly table: string };
  /**
   * Those over which the ledger is spread; none where it is in the data account or in Cosmos DB.
   */
  readonly ledgerAccountIds: readonly Output<string>[];
  /** Whether the ledger is in the data account. */
  readonly dataAccountHasLedger: boolean;

  constructor(name: string, args: HandlerStorageArgs, options?: ComponentResourceOptions) {
    super('activation-hub:infra:HandlerStorage', name, {}, options);
    const { place, isPrivate, ledgerAccounts, ledgerCosmosEndpoint } = args;
    const { hostAccount, dataAccount } = place.names;
    const network = isPrivate ? 'private' : 'open';
    const host = createStorageAccount(`${name}-host`, { place, accountName: hostAccount, network }, { parent: this });
    const data = createStorageAccount(
      `${name}-data`,
      { place, accountName: dataAccount, network },
      { parent: this, protect: place.protectData },
    );
    const { containers, queues, tables } = dataStores;
    const inData = { account: data, place, protect: place.protectData };
    const packages = this.#createContainer(`${name}-packages`, 'app-package', { account: host, place, protect: false });
    this.#keepDeletedLetters(name, data, place);
    this.#createContainer(`${name}-dead-letters`, containers.deadLetters, inData);
    this.#ageBlobs(name, data, place);
    this.#createContainer(`${name}-retry-contents`, containers.retries, inData);
    this.#createContainer(`${name}-ledger-exports`, containers.ledgerExports, inData);
    this.#createContainer(`${name}-controls`, containers.controls, inData);
    // Also where the ledger is elsewhere: then it has been moved, and is deleted by hand.
    for (const table of Object.values(tables)) this.#createTable(`${name}-${table}`, table, data, place);
    for (const queue of Object.values(queues)) this.#createQueue(`${name}-${queue}`, queue, data, place);

    const spread = ledgerAccounts === 1 ? [] : Array.from({ length: ledgerAccounts }, (_, index) => index + 1);
    this.ledgerAccountIds = spread.map(
      (number) => this.#createLedgerAccount(`${name}-ledger-${number}`, number, args).id,
    );
    this.dataAccountHasLedger = spread.length === 0 && ledgerCosmosEndpoint === '';
    this.hostAccountId = host.id;
    this.hostBlobEndpoint = `https://${hostAccount}.blob.core.windows.net`;
    this.packageContainer = packages.name;
    this.dataAccountId = data.id;
    this.dataEndpoints = {
      blob: `https://${dataAccount}.blob.core.windows.net`,
      queue: `https://${dataAccount}.queue.core.windows.net`,
      table:
        ledgerCosmosEndpoint !== ''
          ? ledgerCosmosEndpoint.replace(/\/$/, '')
          : (spread.length === 0 ? [dataAccount] : spread.map(place.names.ledgerAccount))
              .map((account) => `https://${account}.table.core.windows.net`)
              .join(','),
    };
    this.registerOutputs({ dataEndpoints: this.dataEndpoints });
  }

  #createLedgerAccount(name: string, number: number, { place, isPrivate }: HandlerStorageArgs): StorageAccount {
    const account = createStorageAccount(
      name,
      { place, accountName: place.names.ledgerAccount(number), network: isPrivate ? 'private' : 'open' },
      { parent: this, protect: place.protectData },
    );
    for (const table of Object.values(dataStores.tables)) this.#createTable(`${name}-${table}`, table, account, place);
    return account;
  }

  #createContainer(
    name: string,
    containerName: string,
    { account, place, protect }: { account: StorageAccount; place: Place; protect: boolean },
  ): BlobContainer {
    return new BlobContainer(
      name,
      {
        resourceGroupName: place.resourceGroupName,
        accountName: account.name,
        containerName,
        publicAccess: 'None',
      },
      { parent: this, protect },
    );
  }

  #keepDeletedLetters(name: string, account: StorageAccount, place: Place): BlobServiceProperties {
    return new BlobServiceProperties(
      `${name}-soft-delete`,
      {
        resourceGroupName: place.resourceGroupName,
        accountName: account.name,
        blobServicesName: 'default',
        deleteRetentionPolicy: { enabled: true, days: softDeleteDays },
        containerDeleteRetentionPolicy: { enabled: true, days: softDeleteDays },
      },
      { parent: this },
    );
  }

  #ageBlobs(name: string, account: StorageAccount, place: Place): ManagementPolicy {
    return new ManagementPolicy(
      `${name}-lifecycle`,
      {
        resourceGroupName: place.resourceGroupName,
        accountName: account.name,
        managementPolicyName: 'default',
        policy: {
          rules: [
            {
              name: 'age-dead-letters',
              enabled: true,
              type: 'Lifecycle',
              definition: {
                filters: { blobTypes: ['blockBlob'], prefixMatch: ['dead-letters/'] },
                actions: {
                  baseBlob: {
                    tierToCool: { daysAfterModificationGreaterThan: deadLetterDays.cool },
                    delete: { daysAfterModificationGreaterThan: deadLetterDays.delete },
                  },
                },
              },
            },
            {
              name: 'age-ledger-exports',
              enabled: true,
              type: 'Lifecycle',
              definition: {
                filters: { blobTypes: ['blockBlob'], prefixMatch: ['ledger-exports/'] },
                actions: { baseBlob: { delete: { daysAfterModificationGreaterThan: ledgerExportDays } } },
              },
            },
          ],
        },
      },
      { parent: this },
    );
  }

  #createTable(name: string, tableName: string, account: StorageAccount, place: Place): Table {
    return new Table(
      name,
      { resourceGroupName: place.resourceGroupName, accountName: account.name, tableName },
      { parent: this, protect: place.protectData },
    );
  }

  #createQueue(name: string, queueName: string, account: StorageAccount, place: Place): Queue {
    return new Queue(
      name,
      { resourceGroupName: place.resourceGroupName, accountName: account.name, queueName },
      { parent: this, protect: place.protectData },
    );
  }
}
