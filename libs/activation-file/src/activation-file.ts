import type { ApiVersions, Takes } from '@activation-hub/destination-kit';
import type { z } from 'zod';
import type { Problem } from './problem.ts';

/**
 * What the kinds of destinations that an installation knows require; the key of the map is the
 * `type`.
 */
export type KnownDestinations = ReadonlyMap<string, DestinationSchemas>;

export interface DestinationSchemas {
  /**
   * What a person configures once per destination. Sees `{ secret: name }` where a secret belongs.
   */
  readonly settings: z.ZodType;
  /** What a person says per route; sees `{}` where the route says nothing. */
  readonly options: z.ZodType;
  /** What it takes of a person, by the output of both schemas; anything when absent. */
  takes?(settings: unknown, options: unknown): Takes;
  /** Versions of the vendor's API, which end. */
  readonly versions?: ApiVersions;
}

/** An activation file that was found to be right. Read-only all the way down. */
export interface ActivationFile {
  readonly destinations: ReadonlyMap<string, DestinationEntry>;
  readonly audiences: ReadonlyMap<string, AudienceEntry>;
  /** The routes of all audiences, in the order of the file. */
  readonly routes: readonly Route[];
  /**
   * When a batch stalls its partition instead of becoming dead letters: what share of at least how
   * many is refused.
   */
  readonly stall: { readonly share: number; readonly minimum: number };
  /** What is allowed but looks like an oversight, by line. */
  readonly warnings: readonly Problem[];
}

export interface DestinationEntry {
  readonly key: string;
  /** The keys that it had before; the oldest last. */
  readonly formerly: readonly string[];
  /**
   * Under which the ledger has its rows: the oldest of its keys, so that a renamed destination
   * keeps them.
   */
  readonly ledgerName: string;
  readonly type: string;
  /** As written: defaults not filled in, secrets still references. */
  readonly settings: unknown;
  readonly limits: LimitsEntry;
  /**
   * How long what it does not take is tried again; absent when that is left to the kind of
   * destination.
   */
  readonly giveUpAfterMs?: number;
  /**
   * The longest that it is left alone when it says when it may be asked again; absent for the usual
   * bound.
   */
  readonly retryAfterMaxMs?: number;
}

/** Each only lowers what the connector itself allows; what is absent stays the connector's. */
export interface LimitsEntry {
  readonly requestsPerSecond?: number;
  readonly concurrency?: number;
  readonly batchCount?: number;
  readonly batchBytes?: number;
}

export interface AudienceEntry {
  readonly key: string;
  /** In lower case; `ups` by default. */
  readonly namespace: string;
  /** A UUID in lower case, any other id as written; so are those that it had before. */
  readonly id: string;
  /** The ids that it had before in AEP; the oldest last. */
  readonly formerly: readonly string[];
  /**
   * Under which, with the namespace, the ledger has its rows: the oldest of its ids, so that they
   * stay its own.
   */
  readonly ledgerId: string;
  readonly name?: string;
  /** Segments of the XDM path of the attribute that allows the activation. */
  readonly consentPath?: readonly string[];
  readonly routes: readonly Route[];
}

/** This audience, to that destination, with these options. */
export interface Route {
  /** Key of the audience. */
  readonly audience: string;
  /** Key of the destination. */
  readonly destination: string;
  /** Lower case, by precedence, at least one. */
  readonly identityNamespaces: readonly string[];
  /** Of the ids that a profile has in the chosen namespace: the first, or all. */
  readonly identities: 'first' | 'all';
  /**
   * Namespaces that identify the person while the identities of the route change: lower case, none
   * by default.
   */
  readonly follow: readonly string[];
  readonly attributes: readonly RouteAttribute[];
  /** Output of the connector's own schema for options. */
  readonly options: unknown;
  /** `retired` takes out every person of whom the destination was told, and enters none. */
  readonly mode: 'live' | 'shadow' | 'paused' | 'retired';
}

export interface RouteAttribute {
  /** The name that the destination gets. */
  readonly name: string;
  /** Segments of the XDM path. */
  readonly path: readonly string[];
}
