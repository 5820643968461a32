/**
 * What a person is to do about a code of a store or of the network, by that code. The codes of
 * Azure Storage are those of its reference ("Common REST API error codes", "Table Storage error
 * codes", "Status and error codes"), the others those of Node and OpenSSL.
 */
const adviceByCode: Readonly<Record<string, string>> = {
  ServerBusy:
    'The account gets more requests than it serves. The hub tries again by itself; where that does not help, lower the load, or spread the ledger over more accounts.',
  TooManyRequests:
    'The requests need more request units than the table has. The hub tries again by itself; where that does not help, raise the throughput of the table.',
  OperationTimedOut:
    'The hub tries again by itself; where that does not help, look at the health of the storage account.',
  AuthenticationFailed:
    'Check the key or the sign-in, and the clock of this machine: the store refuses a signature whose time is off by more than 15 minutes.',
  InvalidAuthenticationInfo:
    'Check the sign-in, and the clock of this machine: the store refuses a token that is not valid yet, or no longer valid.',
  AuthorizationFailure:
    'Check the network rules of the storage account first, then the roles: the store refuses an address that they do not let in with the same words.',
  KeyBasedAuthenticationNotPermitted:
    'The account takes no keys. Sign in instead, with --environment on the command line.',
  LeaseIdMissing: 'A person or a program has locked it with a lease. Break the lease, and try again.',
  AccountIsDisabled: 'The account is disabled. Look at its subscription, and whether its bills are paid.',
  TableNotFound:
    'If it was there before, its rows are gone with it: docs/operating/disaster.md says what to do. If not, start the function app, which creates it.',
  TableBeingDeleted: 'Azure is still deleting the table, which takes it a minute or so. Wait, and try again.',
  ContainerBeingDeleted: 'Azure is still deleting the container, which takes it a minute or so. Wait, and try again.',
  QueueBeingDeleted: 'Azure is still deleting the queue, which takes it a minute or so. Wait, and try again.',
  NotTheStore:
    'A proxy, or the sign-in page of a network, answers in its place. Sign in there, or let requests to the store go past the proxy.',
  ENOTFOUND: 'There is no such host. Check the name of the account, and the DNS of a private network.',
  ECONNREFUSED: 'Nothing listens at that address. Start the store, or check the port.',
};

const untrusted =
  'This machine does not trust the authority that signed its certificate. Where the authority is your own, or that of a proxy on the way, name its file in NODE_EXTRA_CA_CERTS.';

/** The role on its account that each store asks for, by what the store is. */
export const roleOfStore: Readonly<Record<string, string>> = {
  'blob store': 'Storage Blob Data Contributor',
  'queue store': 'Storage Queue Data Contributor',
  'table store': 'Storage Table Data Contributor',
};

/**
 * The advice for a code of a store, or else for a status; undefined of both for an answer that
 * never came.
 */
export function adviceFor(store: string, statusCode: number | undefined, code: string | undefined): string {
  if (code === 'AuthorizationPermissionMismatch')
    return `The signed-in account lacks the role ${roleOfStore[store] ?? store} on that account. Assign it, and wait some minutes until it holds.`;
  if (code !== undefined && /^(DEPTH_ZERO_)?SELF_SIGNED_|^UNABLE_TO_(GET|VERIFY)_/.test(code)) return untrusted;
  const advice = code === undefined ? undefined : adviceByCode[code];
  if (advice !== undefined) return advice;
  if (statusCode === 401 || statusCode === 403)
    return "Check the app's roles and the network rules of the storage account.";
  if (statusCode === 404)
    return 'It does not exist. Check the name and the account: the function app creates it at its start.';
  if (statusCode === undefined)
    return 'Check that it runs, that the network lets this machine reach it, and the sign-in.';
  return 'Look the code up in the documentation of the store.';
}
