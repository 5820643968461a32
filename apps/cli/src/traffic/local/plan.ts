import { resolve } from 'node:path';
import { secretNames, type ActivationFile } from '@activation-hub/activation-file';
import { loadActivations, readSecretVariables } from '../../activation-file/activations.ts';
import type { Breakables } from '../../console/breakable.ts';
import { startStandIns, type StandIns } from '../../activation-file/stand-ins.ts';
import type { Terminal } from '../../terminal/terminal.ts';
import type { Cleanups } from './cleanups.ts';
import { newSigningSecret, writeExample } from './example.ts';
import type { Narrator, Summary } from './narrator.ts';
import { startReceiver, type Receiver } from './receiver.ts';
import type { Tally } from './tally.ts';
import { writeVendorFile } from './vendor-file.ts';

/** With which activation file the function app runs, and with which secrets. */
export interface Running {
  /** Absolute. */
  readonly activationFile: string;
  /** By the name of the environment variable. */
  readonly secrets: Readonly<Record<string, string>>;
}

export interface Plan extends Running {
  /** The file that a person edits; absolute. */
  readonly editedFile: string;
  /** What runs with the file as it was edited. Throws `CommandError` when it cannot be run here. */
  readonly withEdits: (edited: ActivationFile) => Promise<Running>;
  readonly receiver?: Receiver;
  readonly standIns?: StandIns;
}

/** What a plan tells of what happens, and what it starts. */
export interface PlanParts {
  readonly narrator: Narrator;
  readonly tally: Tally;
  readonly breakables: Breakables;
  /** Whether destinations fail and recover on command. */
  readonly canBreak: boolean;
  readonly cleanups: Cleanups;
}

/** Finds out what runs, and starts what stands for third parties. Throws `CommandError`. */
export async function makePlan(
  { activations, vendor }: { readonly activations?: string; readonly vendor?: true },
  terminal: Terminal,
  parts: PlanParts,
): Promise<Plan> {
  if (activations === undefined) return await examplePlan(terminal, parts);
  const file = await loadActivations(activations, terminal);
  for (const { message, line, column } of file.warnings)
    parts.narrator.warning(`${activations}:${line}:${column}: ${message}`);
  const editedFile = resolve(terminal.folder, activations);
  if (vendor === true) return await vendorPlan(editedFile, file, parts);
  const withEdits = (edited: ActivationFile): Promise<Running> =>
    Promise.resolve({ activationFile: editedFile, secrets: secretsOf(edited, terminal.environment) });
  return { ...(await withEdits(file)), editedFile, withEdits };
}

async function examplePlan(terminal: Terminal, parts: PlanParts): Promise<Plan> {
  const { narrator, tally, breakables, canBreak, cleanups } = parts;
  const signingSecret = newSigningSecret();
  const receiver = await startReceiver(signingSecret, (changes) => {
    tally.countTold(changes);
    narrator.told(changes);
  });
  cleanups.add(() => receiver.stop());
  cleanups.add(() => breakables.stop());
  const { url = receiver.url } = canBreak ? await breakables.before('receiver', { url: receiver.url }) : {};
  const example = await writeExample(String(url), signingSecret);
  cleanups.add(() => example.remove());
  const withEdits = (edited: ActivationFile): Promise<Running> =>
    Promise.resolve({
      activationFile: example.path,
      secrets: secretsOf(edited, { ...terminal.environment, ...example.secrets }),
    });
  return { activationFile: example.path, secrets: example.secrets, editedFile: example.path, withEdits, receiver };
}

/** The file with a stand-in for each of its destinations. */
async function vendorPlan(
  editedFile: string,
  file: ActivationFile,
  { breakables, canBreak, cleanups }: PlanParts,
): Promise<Plan> {
  const standIns = await startStandIns(file);
  cleanups.add(() => standIns.close());
  cleanups.add(() => breakables.stop());
  const settings = new Map<string, Readonly<Record<string, unknown>>>();
  const withEdits = async (edited: ActivationFile): Promise<Running> => {
    await standIns.follow(edited);
    for (const [key, each] of standIns.settings)
      if (!settings.has(key)) settings.set(key, canBreak ? await breakables.before(key, each) : each);
    const copy = await writeVendorFile(editedFile, { ...standIns, settings });
    cleanups.add(() => copy.remove());
    return { activationFile: copy.path, secrets: copy.secrets };
  };
  return { ...(await withEdits(file)), editedFile, withEdits, standIns };
}

function secretsOf(file: ActivationFile, environment: Terminal['environment']): Running['secrets'] {
  return secretNames(file).length === 0 ? {} : readSecretVariables(file, environment);
}

/** How many members each stand-in has, by destination and audience. */
export async function membersOf(
  { routes }: ActivationFile,
  { vendors }: StandIns,
): Promise<NonNullable<Summary['members']>> {
  const members: Record<string, Record<string, number>> = {};
  for (const { destination, audience, options } of routes) {
    const held = await vendors.get(destination)?.members({ audience, options });
    if (held !== undefined) members[destination] = { ...members[destination], [audience]: held.length };
  }
  return members;
}
