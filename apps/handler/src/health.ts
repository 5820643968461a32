import type { CounterValue } from '@activation-hub/telemetry';

/** What the health page says. Keys of the activation file and numbers; nothing personal, nothing secret. */
export interface Health {
  readonly status: 'ok' | 'unavailable';
  /** Why the stores cannot be reached, in a sentence; only when they cannot. */
  readonly reason?: string;
  /** Digest of the files that were deployed, as the build printed it as `contents`: which build this is. */
  readonly build: string;
  /** When the newest canary was sent that went the whole way; absent when none has. */
  readonly canary?: string;
  readonly destinations: readonly string[];
  readonly audiences: readonly string[];
  /** Since this worker started. */
  readonly counters: readonly CounterValue[];
}
