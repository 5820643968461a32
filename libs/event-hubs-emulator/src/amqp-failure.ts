/** Why a link, a delivery or a request is refused, in the words of AMQP. */
export interface AmqpFailure {
  readonly condition: string;
  readonly description: string;
}

/**
 * The error as it goes over the wire, with all three fields: Python's SDK reads the third without
 * asking whether it is there.
 */
export function amqpError({ condition, description }: AmqpFailure): AmqpFailure & { readonly info: undefined } {
  return { condition, description, info: undefined };
}

/** The refusals that the Event Hubs SDKs map to errors, with the conditions of the service. */
export const failures = {
  notFound: (entity: string): AmqpFailure => ({
    condition: 'amqp:not-found',
    description: `The messaging entity '${entity}' could not be found.`,
  }),
  /**
   * The service has another condition here, `com.microsoft:argument-out-of-range`; the second
   * sentence is its own.
   */
  partitionNotFound: (entity: string, partitionCount: number): AmqpFailure => ({
    condition: 'amqp:not-found',
    description:
      `The messaging entity '${entity}' could not be found. ` +
      'The specified partition is invalid for an EventHub partition sender or receiver. ' +
      `It should be between 0 and ${partitionCount - 1}.`,
  }),
  unauthorized: (right: string, resource: string): AmqpFailure => ({
    condition: 'amqp:unauthorized-access',
    description:
      `Unauthorized access. '${right}' claim(s) are required to perform this operation, ` +
      `in a token that has not expired. Resource: '${resource}'.`,
  }),
  /**
   * The service allows one pair of links to `$cbs` for each connection (azeventhubs 2.0.2,
   * `TestLinksCBSLinkStillOpen`); its words are not known.
   */
  notAllowed: (reason: string): AmqpFailure => ({ condition: 'amqp:not-allowed', description: reason }),
  serverBusy: (): AmqpFailure => ({
    condition: 'com.microsoft:server-busy',
    description:
      'The request was terminated because the entity is being throttled. Error code: 50002. ' +
      'Please wait 4 seconds and try again.',
  }),
  messageTooLarge: (bytesMax: number): AmqpFailure => ({
    condition: 'amqp:link:message-size-exceeded',
    description: `The received message exceeds the limit (${bytesMax} bytes) currently allowed on the link.`,
  }),
  malformed: (reason: string): AmqpFailure => ({ condition: 'amqp:decode-error', description: reason }),
  invalidArgument: (reason: string): AmqpFailure => ({
    condition: 'com.microsoft:argument-error',
    description: reason,
  }),
  stolen: (reason: string): AmqpFailure => ({ condition: 'amqp:link:stolen', description: reason }),
  quotaExceeded: (reason: string): AmqpFailure => ({
    condition: 'amqp:resource-limit-exceeded',
    description: reason,
  }),
  notImplemented: (what: string): AmqpFailure => ({
    condition: 'amqp:not-implemented',
    description: `The emulator does not support ${what}.`,
  }),
  internal: (reason: string): AmqpFailure => ({ condition: 'amqp:internal-error', description: reason }),
} as const;
