/** An event as the hub gave it, kept until everything in it is settled. */
export interface ReceivedEvent {
  readonly body: Uint8Array;
  readonly partitionId: string;
  readonly sequenceNumber: number;
  readonly enqueuedAtMs: number;
}
