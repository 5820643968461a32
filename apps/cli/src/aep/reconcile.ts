import type { ActivationFile } from '@activation-hub/activation-file';
import {
  createEventHubsDestinations,
  type Audience,
  type DesiredDestination,
  type DestinationPlan,
  type EventHubsDestinations,
} from '@activation-hub/flow-service';
import { loadActivations } from '../activation-file/activations.ts';
import { report, type Besides } from '../terminal/reporter.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { chooseActivationFile, type ChosenFile } from '../activation-file/activation-file-options.ts';
import { openAdobe, withAdobe } from '../environment/adobe-access.ts';
import { writeAudienceNames } from '../activation-file/audience-names.ts';
import { readHubOptions } from '../environment/hub-options.ts';
import { atLocalSide, localSide } from './local-side.ts';
import type { ReconcileOptions } from './reconcile-options.ts';
import { requireAudiences, wantedDestination } from './wanted-destination.ts';

/** A destination as the file wants it, and the changes in AEP that this needs. */
export interface Reconciliation {
  readonly sandbox: string;
  readonly desired: DesiredDestination;
  readonly destinations: EventHubsDestinations;
  readonly plan: DestinationPlan;
}

/**
 * Compares the file, the hub's facts and AEP, prints the changes, and lets `work` go on with the
 * terminal that it used. Changes nothing in AEP.
 */
export async function reconcile(
  given: ReconcileOptions,
  here: Terminal,
  work: (reconciliation: Reconciliation, terminal: Terminal) => Promise<void> | void,
): Promise<void> {
  const { options, terminal } = given.local ? atLocalSide(given, here) : { options: given, terminal: here };
  const adobe = openAdobe(terminal);
  const chosen = given.local
    ? { path: options.activations ?? '', environment: localSide.environment }
    : chooseActivationFile(options, terminal);
  const file = await loadActivations(chosen.path, terminal);
  const { address: hub } = await readHubOptions(
    options,
    terminal,
    options.connection === undefined ? 'needed' : 'not-needed',
  );
  const { adopt, connection, disabled } = options;
  const desired = wantedDestination({
    file,
    environment: chosen.environment,
    hub,
    enabled: disabled !== true,
    ...(adopt === undefined ? {} : { adoptFlowId: adopt }),
    ...(connection === undefined ? {} : { connectionId: connection }),
  });
  await withAdobe(terminal, async () => {
    const known = await requireAudiences(file, adobe, terminal.interrupted);
    const destinations = createEventHubsDestinations(adobe.client, {
      hubScopedKey: options.namespaceKey !== true,
      ...(options.authSpecName === undefined ? {} : { authSpecName: options.authSpecName }),
    });
    const plan = await destinations.plan(desired, terminal.interrupted);
    await work({ sandbox: adobe.sandbox, desired, destinations, plan }, terminal);
    if (options.writeNames) await sayNames(chosen, file, known, options, terminal);
  });
}

async function sayNames(
  chosen: ChosenFile,
  file: ActivationFile,
  known: ReadonlyMap<string, Audience>,
  options: ReconcileOptions,
  terminal: Terminal,
): Promise<void> {
  const path = await writeAudienceNames(chosen, file, known, terminal);
  report(
    { event: 'names-written', path, names: known.size },
    () => `Wrote the names of ${known.size} of ${file.audiences.size} audiences to ${path}.`,
    options,
    terminal,
  );
}

/** The head of what is printed: which destination, of which sandbox. */
export function destinationWords({ desired, sandbox }: Reconciliation): string {
  return `"${desired.name}" in the sandbox ${sandbox}`;
}

export function nothingToChange(reconciliation: Reconciliation): string {
  return `Nothing to change: ${destinationWords(reconciliation)} is as the file says.`;
}

export function noteWords({ notes }: DestinationPlan, { yellow }: Terminal['colors']): readonly Besides[] {
  return notes.map((note) => ({ besides: `${yellow('note')} ${note}` }));
}
