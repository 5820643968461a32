import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * What this host reads of host.json, with the defaults of Azure (extension bundle 4). Times in
 * milliseconds.
 */
export interface HostJson {
  /** Undefined means without a limit (-1 in host.json). */
  readonly functionTimeoutMs: number | undefined;
  readonly routePrefix: string;
  readonly eventHubs: EventHubsSettings;
  readonly queues: QueuesSettings;
}

/** `extensions.eventHubs`: facts of the extension 6.5, EventHubOptions. */
export interface EventHubsSettings {
  readonly maxEventBatchSize: number;
  readonly minEventBatchSize: number;
  readonly maxWaitTimeMs: number;
  readonly batchCheckpointFrequency: number;
  readonly prefetchCount: number;
  readonly enableCheckpointing: boolean;
  readonly initialOffset:
    { readonly type: 'fromStart' | 'fromEnd' } | { readonly type: 'fromEnqueuedTime'; readonly enqueuedTime: Date };
  readonly clientRetry: {
    readonly mode: 'fixed' | 'exponential';
    readonly tryTimeoutMs: number;
    readonly delayMs: number;
    readonly maximumDelayMs: number;
    readonly maximumRetries: number;
  };
}

/** `extensions.queues`: facts of the storage queues extension 5, QueuesOptions. */
export interface QueuesSettings {
  readonly batchSize: number;
  readonly newBatchThreshold: number;
  readonly maxDequeueCount: number;
  /** How long a message stays invisible after its function failed. */
  readonly visibilityTimeoutMs: number;
  readonly maxPollingIntervalMs: number;
  readonly messageEncoding: 'base64' | 'none';
}

/**
 * Reads host.json of the app's folder. Throws a sentence that names the field when a value is of
 * the wrong kind or out of range.
 */
export async function readHostJson(appFolder: string): Promise<HostJson> {
  const path = join(appFolder, 'host.json');
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new Error(
      `Failed to read ${path}: a function app needs a host.json in its folder. Build the app, or name its folder.`,
      { cause: error },
    );
  }
  return parseHostJson(text);
}

/**
 * Parses the text of a host.json; what this host does not use is ignored, as other parts of Azure
 * read it.
 */
export function parseHostJson(text: string): HostJson {
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch (error) {
    throw new Error(
      `Failed to read host.json: it is not JSON (${error instanceof Error ? error.message : String(error)}).`,
      { cause: error },
    );
  }
  const host = new Section('', root);
  const timeout = host.text('functionTimeout', '00:30:00');
  return {
    functionTimeoutMs: timeout === '-1' ? undefined : host.timespan('functionTimeout', timeout),
    routePrefix: host
      .section('extensions')
      .section('http')
      .text('routePrefix', 'api')
      .replace(/^\/+|\/+$/g, ''),
    eventHubs: eventHubs(host.section('extensions').section('eventHubs')),
    queues: queues(host.section('extensions').section('queues')),
  };
}

function eventHubs(section: Section): EventHubsSettings {
  const maxEventBatchSize = section.integer('maxEventBatchSize', 100, 1);
  const minEventBatchSize = section.integer('minEventBatchSize', 1, 1);
  if (minEventBatchSize > maxEventBatchSize)
    section.refuse('minEventBatchSize', 'must not be greater than maxEventBatchSize');
  const offset = section.section('initialOffsetOptions');
  const type = offset.oneOf('type', ['fromStart', 'fromEnd', 'fromEnqueuedTime'], 'fromStart');
  const retry = section.section('clientRetryOptions');
  return {
    maxEventBatchSize,
    minEventBatchSize,
    maxWaitTimeMs: section.timespan('maxWaitTime', '00:01:00'),
    batchCheckpointFrequency: section.integer('batchCheckpointFrequency', 1, 1),
    prefetchCount: section.integer('prefetchCount', 300, 0),
    enableCheckpointing: section.flag('enableCheckpointing', true),
    initialOffset: type === 'fromEnqueuedTime' ? { type, enqueuedTime: offset.instant('enqueuedTimeUtc') } : { type },
    clientRetry: {
      mode: retry.oneOf('mode', ['fixed', 'exponential'], 'exponential'),
      tryTimeoutMs: retry.timespan('tryTimeout', '00:01:00'),
      delayMs: retry.timespan('delay', '00:00:00.800'),
      maximumDelayMs: retry.timespan('maximumDelay', '00:01:00'),
      maximumRetries: retry.integer('maximumRetries', 3, 0),
    },
  };
}

function queues(section: Section): QueuesSettings {
  const batchSize = section.integer('batchSize', 16, 1, 32);
  return {
    batchSize,
    newBatchThreshold: section.integer('newBatchThreshold', Math.floor(batchSize / 2), 0),
    maxDequeueCount: section.integer('maxDequeueCount', 5, 1),
    visibilityTimeoutMs: section.timespan('visibilityTimeout', '00:00:00'),
    // Azure's default is a minute; a host in development, as this one, polls at least every two
    // seconds.
    maxPollingIntervalMs: section.timespan('maxPollingInterval', '00:00:02'),
    messageEncoding: section.oneOf('messageEncoding', ['base64', 'none'], 'base64'),
  };
}

/**
 * One object of host.json. Names of fields and of choices are matched without regard to case, as
 * Azure does.
 */
class Section {
  readonly #path: string;
  readonly #fields: ReadonlyMap<string, unknown>;

  constructor(path: string, value: unknown) {
    this.#path = path;
    if (value !== undefined && (typeof value !== 'object' || value === null || Array.isArray(value))) {
      throw new Error(`Failed to read host.json: ${path || 'the file'} must be an object.`);
    }
    this.#fields = new Map(Object.entries(value ?? {}).map(([name, field]) => [name.toLowerCase(), field]));
  }

  section(name: string): Section {
    return new Section(this.#pathOf(name), this.#get(name));
  }

  text(name: string, fallback: string): string {
    const value = this.#get(name) ?? fallback;
    return typeof value === 'string' ? value : this.refuse(name, 'must be a string');
  }

  flag(name: string, fallback: boolean): boolean {
    const value = this.#get(name) ?? fallback;
    return typeof value === 'boolean' ? value : this.refuse(name, 'must be true or false');
  }

  integer(name: string, fallback: number, least: number, most = Number.MAX_SAFE_INTEGER): number {
    const value = this.#get(name) ?? fallback;
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
    return this.refuse(
      name,
      most === Number.MAX_SAFE_INTEGER
        ? `must be a whole number of at least ${least}`
        : `must be a whole number from ${least} to ${most}`,
    );
  }

  oneOf<Choice extends string>(name: string, choices: readonly Choice[], fallback: Choice): Choice {
    const value = this.text(name, fallback).toLowerCase();
    return (
      choices.find((choice) => choice.toLowerCase() === value) ??
      this.refuse(name, `must be one of ${choices.join(', ')}`)
    );
  }

  /** `[d.]hh:mm:ss[.fraction]`, the .NET TimeSpan, in milliseconds. */
  timespan(name: string, fallback: string): number {
    const match = /^(?:(\d+)\.)?(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?$/.exec(this.text(name, fallback));
    if (!match) return this.refuse(name, 'must be a time span like 00:05:00');
    const [, days = '0', hours = '0', minutes = '0', seconds = '0'] = match;
    return Math.round((((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000);
  }

  instant(name: string): Date {
    const value = new Date(this.text(name, ''));
    return Number.isNaN(value.getTime())
      ? this.refuse(name, 'must be a date and time like 2026-01-31T00:00:00Z')
      : value;
  }

  refuse(name: string, why: string): never {
    throw new Error(`Failed to read host.json: ${this.#pathOf(name)} ${why}.`);
  }

  #get(name: string): unknown {
    return this.#fields.get(name.toLowerCase());
  }

  #pathOf(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`;
  }
}
