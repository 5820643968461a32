import { documentedErrors, type ListedErrors } from '@activation-hub/destination-kit';

const source = 'github.com/Azure/azure-sdk-for-js, sdk/core/core-amqp/src/errors.ts';
const hub = 'Create the Event Hub, or correct eventHub.';

/**
 * Every name that the SDK (core-amqp 4) gives to a condition of AMQP. What is transient may have
 * been taken, unless the hub was only being opened.
 */
export const listedErrors: readonly ListedErrors[] = [
  { means: 'throttled', source, codes: 'ServerBusyError QuotaExceededError SenderBusyError' },
  { means: 'invalid', source, codes: 'ArgumentError ArgumentOutOfRangeError MessageTooLargeError' },
  {
    means: 'set-up',
    advice: 'Give the app the role Azure Event Hubs Data Sender, or check the connection string.',
    source,
    codes: 'UnauthorizedError',
  },
  {
    means: 'set-up',
    advice: hub,
    source,
    codes: `
      MessagingEntityDisabledError NoMatchingSubscriptionError RelayNotFoundError ResourceDeletedError
      ServiceCommunicationError`,
  },
  {
    means: 'set-up',
    advice: 'Check what eventHub names, and that its policy lets this app send there.',
    source,
    codes: 'InvalidOperationError MessagingEntityAlreadyExistsError NotImplementedError PublisherRevokedError',
  },
  {
    means: 'transient',
    source,
    codes: `
      AddressAlreadyInUseError ConnectionForcedError ConnectionRedirectError DecodeError DetachForcedError
      ErrantLinkError FrameSizeTooSmallError FramingError HandleInUseError IllegalStateError InternalServerError
      InvalidFieldError LinkRedirectError MessageLockLostError MessageNotFoundError MessageWaitTimeout
      OperationCancelledError PartitionNotOwnedError PreconditionFailedError ReceiverDisconnectedError
      ResourceLockedError SenderNotReadyError ServiceUnavailableError SessionCannotBeLockedError
      SessionLockLostError SessionWindowViolationError StoreLockLostError SystemError TransferLimitExceededError
      UnattachedHandleError`,
  },
];

/** Errors of Event Hubs, by the names of the SDK. */
export const eventHubsErrors = documentedErrors(
  [
    { code: 'MessagingEntityNotFoundError', means: 'set-up', advice: hub, source },
    { code: 'MessagingEntityDisabledError', means: 'set-up', advice: 'Enable the Event Hub.', source },
    {
      code: 'MessageTooLargeError',
      means: 'invalid',
      advice: 'The events are larger than it takes: map fewer attributes.',
      source,
    },
    {
      code: 'ServerBusyError',
      means: 'throttled',
      advice: 'It is tried again; more throughput units take more.',
      source,
    },
    {
      code: 'QuotaExceededError',
      means: 'throttled',
      advice: 'It is tried again; check the quotas of the namespace.',
      source,
    },
    // By the client, before anything is sent.
    { code: 'InsufficientCreditError', means: 'throttled', source: `${source}, as thrown by rhea-promise` },
  ],
  listedErrors,
);
