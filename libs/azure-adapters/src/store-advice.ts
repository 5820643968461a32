/**
 * What a person is to do about a code of a store or of the network, by that code. The codes of
 * Azure Storage are those of its reference ("Common REST API error codes", "Table Storage error
 * codes", "Status and error codes"), the others those of Node and OpenSSL.
 */
const adviceByCode: Readonly<Record<string, string>> = {
  ServerBusy:
    'The account is asked for more than it gives for now. It is tried again by itself; where it stays so, ask for less at once or spread what is kept over more accounts.',
  TooManyRequests:
    'Cosmos DB is asked for more request units than it has. It is tried again by itself; where it stays so, raise the throughput of the table.',
  OperationTimedOut: 'It is tried again by itself; where it stays so, look at the health of the storage account.',
  AuthenticationFailed:
    'Check the key or the sign-in, and the clock of this machine: a signature that is off by more than 15 minutes is refused.',
  InvalidAuthenticationInfo:
    'Check the sign-in, and the clock of this machine: a token that is not valid yet, or no more, is refused.',
  AuthorizationFailure:
    'Check the network rules of the storage account first, then the roles: an address that is not let in is refused in the same words.',
  AuthorizationPermissionMismatch:
    'Who is signed in lacks a role on the data of the account. Assign Storage Table, Blob and Queue Data Contributor, and wait some minutes for it.',
  KeyBasedAuthenticationNotPermitted:
    'The account takes no keys. Sign in instead, with --environment on the command line.',
  AccountIsDisabled: 'The account is disabled. Look at the subscription and at its bills.',
  TableNotFound:
    'Where it was there before, its rows are gone with it: docs/operating/disaster.md says what to do. Else start the function app, which makes it.',
  TableBeingDeleted: 'It is being deleted, which takes Azure a minute or so. Wait, and try again.',
  ContainerBeingDeleted: 'It is being deleted, which takes Azure a minute or so. Wait, and try again.',
  QueueBeingDeleted: 'It is being deleted, which takes Azure a minute or so. Wait, and try again.',
  NotTheStore:
    'A proxy, or a page to sign in at a network, answers in its place. Take the way around it, or sign in there.',
  ENOTFOUND: 'There is no such host. Check the name of the account, and the DNS of a private network.',
  ECONNREFUSED: 'Nothing listens there. Start it, or check the port.',
};

const untrusted =
  'Its certificate is signed by an authority that is not trusted here. Where it is your own, or that of a proxy on the way, name its file in NODE_EXTRA_CA_CERTS.';

/** The advice for a code, or else for a status; undefined of both for an answer that never came. */
export function adviceFor(statusCode: number | undefined, code: string | undefined): string {
  if (code !== undefined && /^(DEPTH_ZERO_)?SELF_SIGNED_|^UNABLE_TO_(GET|VERIFY)_/.test(code)) return untrusted;
  const advice = code === undefined ? undefined : adviceByCode[code];
  if (advice !== undefined) return advice;
  if (statusCode === 401 || statusCode === 403)
    return "Check the app's roles and the network rules of the storage account.";
  if (statusCode === 404) return 'Create what it looks for, as the app does at its start.';
  if (statusCode === undefined) return 'Check that it runs, and that the network and the sign-in allow the way to it.';
  return "Look for the store's code in its documentation.";
}
