import { underPresentKeys } from '@activation-hub/activation';
import { createMatcher, type ActivationFile } from '@activation-hub/activation-file';
import { StoreFailure } from '@activation-hub/azure-adapters';
import {
  activeControls,
  systemClock,
  UnreadableDocumentError,
  type Control,
  type ControlScope,
  type ControlStore,
} from '@activation-hub/delivery';
import { CommandError } from '../terminal/command-error.ts';
import type { DataStorage } from '../environment/data-storage.ts';
import { quoted } from '../terminal/quoted.ts';
import { tableLines } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';

/** What is paused, a line each. */
export function pauseLines(pauses: readonly Control[]): readonly string[] {
  return tableLines(
    pauses.map((each) => [
      `${scopeWords(each)} is ${heldWords(each)}`,
      `since ${new Date(each.atMs).toISOString()}`,
      each.untilMs === undefined ? 'until it is resumed' : `until ${new Date(each.untilMs).toISOString()}`,
      `by ${each.by}:`,
      each.reason,
    ]),
  );
}

/** How a pause holds: a shadow is looked at. */
export function heldWords({ isShadow }: Pick<Control, 'isShadow'>): string {
  return isShadow === true ? 'in shadow' : 'paused';
}

/** How the pause came about: `crm is paused by ada (a freeze)`. */
export function pauseWords(pause: Control): string {
  return `${scopeWords(pause)} is ${heldWords(pause)} by ${pause.by} (${pause.reason})`;
}

/**
 * The present controls, with the keys that their destinations have in the file; as they were asked
 * for without one. None when the function app has not created their container yet. Throws what the
 * store throws, and `UnreadableDocumentError`: controls that cannot be read may hold a pause.
 */
export async function presentControls(
  store: Pick<ControlStore, 'read'>,
  file: ActivationFile | undefined,
  signal: AbortSignal,
): Promise<readonly Control[]> {
  try {
    const active = activeControls(await store.read(signal), systemClock.now());
    if (file === undefined) return active;
    const matcher = createMatcher(file);
    return active.map((each) => underPresentKeys(each, matcher));
  } catch (error) {
    if (error instanceof StoreFailure && error.code === 'ContainerNotFound') return [];
    throw error;
  }
}

/**
 * The present controls, for commands that show them beside something else: when they cannot be
 * read, `say` gets the reason, and there are none.
 */
export async function keptControls(
  store: Pick<ControlStore, 'read'>,
  file: ActivationFile,
  { interrupted, say }: Pick<Terminal, 'interrupted' | 'say'>,
): Promise<readonly Control[]> {
  try {
    return await presentControls(store, file, interrupted);
  } catch (error) {
    if (!(error instanceof UnreadableDocumentError)) throw error;
    say(error.message);
    return [];
  }
}

/**
 * Throws `CommandError` (1) while a destination, or with an audience one of its routes, is paused,
 * which a command is about to tell, and what `presentControls` throws.
 */
export async function refuseWhilePaused(
  { destination, audience }: { readonly destination: string; readonly audience?: string | undefined },
  { file, controls }: Pick<DataStorage, 'controls'> & { readonly file: ActivationFile },
  doing: string,
  { interrupted }: Terminal,
): Promise<void> {
  const held = (await presentControls(controls, file, interrupted)).find(
    (each) =>
      each.action === 'pause' &&
      (each.destination === undefined || each.destination === destination) &&
      (each.audience === undefined || audience === undefined || each.audience === audience),
  );
  if (held === undefined) return;
  throw new CommandError(
    1,
    `Failed to ${doing} ${destination}: ${pauseWords(held)}. Resume it first: activation resume ${resumeWords(held)}.`,
  );
}

/** What a control is about. */
export function scopeWords({ destination, audience }: ControlScope): string {
  if (destination === undefined) return 'everything';
  return audience === undefined ? destination : `${destination} for ${audience}`;
}

/** The words after `activation resume`, as a shell takes them. */
export function resumeWords({ destination, audience }: ControlScope): string {
  if (destination === undefined) return '--everything';
  return audience === undefined ? quoted(destination) : `${quoted(destination)} --audience ${quoted(audience)}`;
}
