import type { TableClient } from '@azure/data-tables';
import { ledgerAccountsFault, ledgerAddresses } from './storage-address.ts';
import { tableClient, type StorageConnection } from './storage-connections.ts';

/** The table of rows and the table of the layout in one account of a ledger. */
export interface LedgerTables {
  readonly rows: TableClient;
  readonly layout: TableClient;
}

/** Which tables of an account are the ledger's: of the rows, and of the layout. */
export interface LedgerTableNames {
  readonly rows: string;
  readonly layout: string;
}
const usualNames: LedgerTableNames = { rows: 'ledger', layout: 'ledgerlayout' };

/** The accounts over which the ledger of a connection is spread: its table endpoint names them. */
export function ledgerAccounts(connection: StorageConnection): readonly StorageConnection[] {
  if ('connectionString' in connection) return [connection];
  return ledgerAddresses(connection.tableEndpoint).map((tableEndpoint) => ({ ...connection, tableEndpoint }));
}

/**
 * Clients of the tables in each account of a ledger, in the order of the accounts. Nothing is sent
 * yet. Throws as `tableClient` does, and when a ledger cannot be spread over so many accounts.
 */
export function ledgerTables(
  accounts: readonly StorageConnection[],
  names: LedgerTableNames = usualNames,
): readonly LedgerTables[] {
  const fault = ledgerAccountsFault(accounts.length);
  if (fault !== undefined) throw new Error(`Failed to open the ledger: ${fault}`);
  return accounts.map((account) => ({
    rows: tableClient(account, names.rows),
    layout: tableClient(account, names.layout),
  }));
}

/**
 * In which of so many accounts the row with this key is, from 0. The first three bits of an
 * identity's digest are its bucket (`ledger-entity.ts`), the next choose the account. All rows of
 * one identity are in one account, each account has every bucket of a destination, and the buckets
 * are called the same however many accounts there are.
 */
export function accountOf(rowKey: string, accounts: number): number {
  const firstByte = Buffer.from(rowKey, 'base64url').at(0) ?? 0;
  const bits = Math.log2(accounts);
  return (firstByte >> (5 - bits)) & (accounts - 1);
}
