import { readProfileExports, type ProfileExport, type Refusal } from '@activation-hub/audience-events';
import type { ReceivedEvent } from '@activation-hub/delivery';

export interface ReadExport {
  readonly event: ReceivedEvent;
  readonly profileExport: ProfileExport;
}

/** Something in an event that is not what AEP sends. */
export interface Unreadable {
  readonly event: ReceivedEvent;
  readonly refusal: Refusal;
  /**
   * The audience whose membership could not be read, by its key; absent when it concerns the whole
   * export.
   */
  readonly audience?: string;
}

/** Reads every event; an array with a bad element keeps its good ones. Never throws. */
export function readEvents(events: readonly ReceivedEvent[]): {
  readonly exports: readonly ReadExport[];
  readonly unreadable: readonly Unreadable[];
} {
  const exports: ReadExport[] = [];
  const unreadable: Unreadable[] = [];
  for (const event of events) {
    const read = readProfileExports(event.body);
    for (const profileExport of read.exports) exports.push({ event, profileExport });
    for (const refusal of read.refusals) unreadable.push({ event, refusal });
  }
  return { exports, unreadable };
}
