import type { LogLevel } from './rpc.ts';

/** One line of what host and app have to say. */
export interface HostLogEntry {
  readonly level: Exclude<LogLevel, 'none'>;
  readonly functionName?: string;
  readonly invocationId?: string;
  readonly message: string;
}

export type HostLog = (entry: HostLogEntry) => void;
