import type { JsonRecord } from './json.ts';

/**
 * Ids that are the same in every organisation (Destinations API, "Connect to streaming destinations
 * and activate data").
 */
export const adobeIds = {
  /** Connection spec of Azure Event Hubs, as a destination and as a source. */
  eventHubsConnectionSpec: 'bf9f5905-92b7-48bf-bf20-455bc6b60a4e',
  /** Connection spec of the Profile Service, where every destination's data comes from. */
  profileConnectionSpec: '8a9c3494-9708-43d7-ae3f-cda01e5030e1',
  /** Flow spec of profile-based destinations. */
  profileDestinationFlowSpec: '71471eba-b620-49e4-90fd-23f1fa0174d8',
} as const;

export interface SpecReference {
  readonly id: string;
  /** Always `1.0`. */
  readonly version: string;
}

/**
 * What all of Flow Service's entities have. Unknown fields are kept, so that a caller sees what
 * Adobe sends.
 */
export interface Entity extends JsonRecord {
  readonly id: string;
  readonly etag?: string;
  readonly name?: string;
  readonly description?: string;
  /** `enabled`, `disabled`, `draft`, … */
  readonly state?: string;
  /** Milliseconds since 1970. */
  readonly createdAt?: number;
  readonly updatedAt?: number;
}

export interface Connection extends Entity {
  readonly connectionSpec?: SpecReference;
  readonly auth?: { readonly specName?: string; readonly params?: JsonRecord };
}

/** A source connection or a target connection. */
export interface FlowEnd extends Entity {
  readonly baseConnectionId?: string;
  readonly connectionSpec?: SpecReference;
  readonly params?: JsonRecord;
}

export interface Selector {
  /** `PLATFORM_SEGMENT` or `JSON_PATH`. */
  readonly type?: string;
  readonly value?: JsonRecord;
}

export interface Transformation {
  readonly name?: string;
  readonly params?: {
    readonly profileSelectors?: { readonly selectors?: readonly Selector[] };
    readonly segmentSelectors?: { readonly selectors?: readonly Selector[] };
  };
}

export interface Flow extends Entity {
  readonly flowSpec?: SpecReference;
  readonly sourceConnectionIds?: readonly string[];
  readonly targetConnectionIds?: readonly string[];
  readonly transformations?: readonly Transformation[];
}

export interface FlowRun extends Entity {
  readonly flowId?: string;
  readonly metrics?: {
    readonly durationSummary?: { readonly startedAtUTC?: number; readonly completedAtUTC?: number };
    readonly recordSummary?: {
      readonly inputRecordCount?: number;
      readonly outputRecordCount?: number;
      readonly skippedRecordCount?: number;
      readonly failedRecordCount?: number;
      readonly failedInfo?: readonly { readonly code?: string; readonly message?: string; readonly count?: number }[];
    };
    readonly statusSummary?: { readonly status?: string; readonly errors?: readonly unknown[] };
  };
}

export interface ConnectionSpec extends Entity {
  readonly authSpec?: readonly { readonly name?: string }[];
  readonly sourceSpec?: JsonRecord;
  readonly targetSpec?: JsonRecord;
}

export interface NewConnection {
  readonly name: string;
  readonly description?: string;
  readonly connectionSpec: SpecReference;
  readonly auth?: { readonly specName: string; readonly params: Readonly<Record<string, string>> };
}

export interface NewFlowEnd {
  readonly name: string;
  readonly description?: string;
  readonly connectionSpec: SpecReference;
  readonly baseConnectionId: string;
  readonly data?: { readonly format: string };
  readonly params?: JsonRecord;
}

export interface NewFlow {
  readonly name: string;
  readonly description?: string;
  readonly flowSpec: SpecReference;
  readonly sourceConnectionIds: readonly string[];
  readonly targetConnectionIds: readonly string[];
  readonly transformations: readonly Transformation[];
}

/** One operation of JSON Patch (RFC 6902). */
export interface PatchOperation {
  readonly op: 'add' | 'replace' | 'remove';
  readonly path: string;
  readonly value?: unknown;
}

/** What a write answers: the ETag is absent where Adobe answers 202 with nothing. */
export interface Written {
  readonly id: string;
  readonly etag?: string;
}
