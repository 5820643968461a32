import type { Exchange } from './changes.ts';

/** `GET /api/tenant`: people of the tenant whom a person plays. */
export interface PlayedTenant {
  readonly people: readonly PlayedPerson[];
  /** Whether an audience of the file asks for consent. */
  readonly asksConsent: boolean;
}

export interface PlayedPerson {
  readonly number: number;
  readonly name: string;
  /** With every identity, or by device ids alone. */
  readonly isKnown: boolean;
  readonly email: string;
  readonly hasConsent: boolean;
  /** Keys of the audiences in which the person is. */
  readonly audiences: readonly string[];
}

/** What the person does, whose export is sent then: `POST /api/tenant/:number`. */
export type Play =
  | { readonly does: 'enter' | 'leave'; readonly audience: string }
  | { readonly does: 'log-in' | 'change-email' | 'change-attributes' | 'withdraw-consent' | 'give-consent' };

/** What was sent, as the hub has it. */
export interface Sent {
  readonly exportId: string;
}

/** `GET /api/exports`: what came last, from new to old. */
export interface RecentExport {
  readonly id: string;
  readonly enqueuedAtMs: number;
  readonly body: string;
}

/** `POST /api/inspect`: what the hub would do with an export if the ledger were empty. */
export interface InspectedExport {
  readonly exports: readonly {
    readonly path: string;
    readonly identities: Readonly<Record<string, number>>;
    readonly audiences: number;
    readonly routedAudiences: number;
    readonly notRouted: readonly { readonly namespace: string; readonly id: string; readonly because: string }[];
  }[];
  readonly unreadable: readonly { readonly path: string; readonly code: string; readonly message: string }[];
  readonly decisions: readonly InspectedChange[];
  readonly requests: readonly (Pick<Exchange, 'method' | 'url' | 'headers' | 'body'> & {
    readonly destination: string;
  })[];
  readonly printed: readonly { readonly destination: string; readonly line: string }[];
  readonly notShown: readonly { readonly destination: string; readonly reason: string }[];
}

export interface InspectedChange {
  readonly audience: string;
  readonly destination: string;
  readonly mode: string;
  readonly status: string;
  readonly decision: string;
  readonly because: string;
  readonly identity?: { readonly namespace: string; readonly value: string };
  readonly absentAttributes: readonly { readonly name: string; readonly path: string }[];
}

/** What is wrong with a destination that is a stand-in: `POST /api/faults/:destination`. */
export const faults = ['none', 'down', 'throttled', 'hangs', 'refuses'] as const;
export type Fault = (typeof faults)[number];
