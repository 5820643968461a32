import type { CounterValue } from '@activation-hub/telemetry';
import { app, type HttpResponseInit } from '@azure/functions';

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

/** Registers `GET /health`: 200 when the stores can be reached, else 503. */
export function registerHealth(check: () => Promise<Health>): void {
  app.http('health', {
    methods: ['GET'],
    authLevel: 'anonymous',
    route: 'health',
    handler: async (): Promise<HttpResponseInit> => {
      const health = await check();
      return { status: health.status === 'ok' ? 200 : 503, jsonBody: health };
    },
  });
}
