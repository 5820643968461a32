import { linkDigest } from '@activation-hub/membership';
import type { ReceivedEvent } from '../src/index.ts';
import { eventOf, fansId, noonMs, personExport } from './example-events.ts';

/** What one export says of one person. */
export interface PersonState {
  readonly person: number;
  /** When the membership began or ended, in seconds after noon. */
  readonly at: number;
  readonly isExit: boolean;
  /**
   * Numbers of the person's customer ids and e-mail addresses; the ECID is always there, and the
   * same.
   */
  readonly crmids: readonly number[];
  readonly emails: readonly number[];
}

/** A batch of exports, and who gets it; `twice` gives it to the next worker as well. */
export interface PeopleBatch {
  readonly worker: number;
  readonly states: readonly PersonState[];
  readonly twice: boolean;
}

/** An export with its number, which says when the hub took it. */
export interface NumberedState extends PersonState {
  readonly number: number;
}

/**
 * The route of the people: the first of these identities, or all of the first namespace, followed
 * by their ECID.
 */
export function peopleFile(
  identities: 'first' | 'all',
  route = 'mode: live',
  destinations = 'crm: { type: recording }',
): string {
  const [key = ''] = destinations.split(':');
  return `
version: 1
destinations:
  ${destinations}
audiences:
  sports-fans:
    id: ${fansId}
    activate:
      - destination: ${key}
        identity: [crmid, email]
        identities: ${identities}
        follow: ecid
        attributes: { firstname: person.name.firstName }
        ${route}
`;
}

/**
 * The row of an address that belongs to several customer ids has room for the first and one other:
 * it remembers two, and of three not all.
 */
const crmidOf = (person: number, number: number): string => `p${person}-c${number}${'x'.repeat(number > 0 ? 980 : 0)}`;
const emailOf = (person: number, number: number): string => `p${person}-e${number}@example.com`;
/** A person's identities, whatever an export said of them. */
export function identitiesOf(person: number): readonly { readonly namespace: string; readonly value: string }[] {
  return [
    { namespace: 'ecid', value: `ecid-${person}` },
    ...[0, 1, 2].map((number) => ({ namespace: 'crmid', value: crmidOf(person, number) })),
    ...[0, 1, 2].map((number) => ({ namespace: 'email', value: emailOf(person, number) })),
  ];
}

/** Whose identity value it is. */
export function personOf(value: string): number {
  return Number(/^(?:p|ecid-)(\d+)/.exec(value)?.[1]);
}

/**
 * The export that brings a state; the hub took it as many seconds after noon as its number says.
 */
export function exportOf(state: NumberedState, partitionId: string): ReceivedEvent {
  return bodyOf([state], state.number, partitionId);
}

/**
 * The digest of the identities of an export, on a route that takes one or all of them and follows
 * the person by these.
 */
export function digestOf(state: PersonState, identities: 'first' | 'all', follow: readonly string[]): string {
  const choice = { namespaces: ['crmid', 'email'], identities };
  return linkDigest(new Map(Object.entries(identityMapOf(state))), choice, follow);
}

function identityMapOf({ person, crmids, emails }: PersonState): Readonly<Record<string, readonly string[]>> {
  return {
    ecid: [`ecid-${person}`],
    ...(crmids.length === 0 ? {} : { crmid: crmids.map((each) => crmidOf(person, each)) }),
    ...(emails.length === 0 ? {} : { email: emails.map((each) => emailOf(person, each)) }),
  };
}

/** One event that brings several states. */
export function bodyOf(states: readonly PersonState[], number: number, partitionId: string): ReceivedEvent {
  const contents = states.map((state) => {
    const { person, at, isExit } = state;
    const identities = identityMapOf(state);
    const status = isExit ? 'exited' : 'realized';
    return personExport({ person: `p${person}`, at, status, firstName: `Name ${at}`, identities });
  });
  return eventOf(contents, number, { partitionId });
}

/**
 * Numbers the states in the order in which the hub takes them. Within one qualification a person
 * does not come back to earlier identities: an export that changes nothing leaves its row as old as
 * it is, which is the limit of what orders states.
 */
export function numbered(
  batches: readonly PeopleBatch[],
): readonly (Omit<PeopleBatch, 'states'> & { readonly states: readonly NumberedState[] })[] {
  const seen = new Map<string, (readonly string[])[]>();
  let number = 0;
  return batches.map((batch) => ({
    ...batch,
    states: batch.states.flatMap((state): NumberedState[] => {
      const key = `${state.person} ${state.at} ${String(state.isExit)}`;
      const identities = chosenOf(state);
      const known = seen.get(key) ?? [];
      const dropped = known.flat().filter((each) => known.at(-1)?.includes(each) === false);
      if (identities.some((each) => dropped.includes(each))) return [];
      seen.set(key, [...known, identities]);
      number += 1;
      return [{ ...state, number }];
    }),
  }));
}

/**
 * The same states of people who lose no identity: each also has those of every older state of the
 * person.
 */
export function withoutLosses<Batch extends { readonly states: readonly NumberedState[] }>(
  batches: readonly Batch[],
): readonly Batch[] {
  const all = batches.flatMap(({ states }) => states);
  const grown = (state: NumberedState): NumberedState => {
    const upToIt = all.filter((other) => other.person === state.person && newestFirst(state, other) <= 0);
    const union = (of: (one: PersonState) => readonly number[]) => [...new Set(upToIt.flatMap(of))];
    return { ...state, crmids: union(({ crmids }) => crmids), emails: union(({ emails }) => emails) };
  };
  return batches.map((batch) => ({ ...batch, states: batch.states.map(grown) }));
}

function newestFirst(left: NumberedState, right: NumberedState): number {
  return right.at - left.at || Number(right.isExit) - Number(left.isExit) || right.number - left.number;
}

/**
 * What a route may resolve to, in each of which a person may come back: a value of the first
 * namespace, the first of them, all together.
 */
function chosenOf({ crmids, emails }: PersonState): readonly string[] {
  const name = crmids.length > 0 ? 'c' : 'e';
  const values = (crmids.length > 0 ? crmids : emails).toSorted();
  if (values.length === 0) return ['none'];
  return [
    ...values.map((each) => `one ${name}${each}`),
    ...values.slice(0, 1).map((each) => `first ${name}${each}`),
    `all ${name}${values.join()}`,
  ];
}

/** The newest state of every person. */
export function newestStates(states: readonly NumberedState[]): readonly NumberedState[] {
  return [...Map.groupBy(states, ({ person }) => person).values()].flatMap((ofPerson) =>
    ofPerson.toSorted(newestFirst).slice(0, 1),
  );
}

/** The newest state of every person once more, as of a later qualification. */
export function newestOfEach(states: readonly NumberedState[]): readonly NumberedState[] {
  return newestStates(states).map((state) => ({ ...state, at: state.at + 10, number: state.number + 1_000 }));
}

/** The values of a state that the route accepts. */
export function valuesOf({ person, crmids, emails }: PersonState): readonly string[] {
  return [...crmids.map((each) => crmidOf(person, each)), ...emails.map((each) => emailOf(person, each))];
}

/**
 * The truth: who should be in the destination, by person, from nothing but the newest export of
 * each. Written without any of the code under test: the customer id goes before the e-mail address,
 * the smallest number before the others.
 */
export function truthOf(states: readonly NumberedState[], identities: 'first' | 'all'): ReadonlyMap<string, string> {
  const truth = new Map<string, string>();
  for (const ofPerson of Map.groupBy(states, ({ person }) => person).values()) {
    const [newest] = ofPerson.toSorted(newestFirst);
    if (newest === undefined || newest.isExit) continue;
    for (const value of chosenValuesOf(newest, identities)) truth.set(value, `Name ${newest.at}`);
  }
  return truth;
}

/** The values of a state to which the route resolves. */
export function chosenValuesOf(
  { person, crmids, emails }: PersonState,
  identities: 'first' | 'all',
): readonly string[] {
  const values =
    crmids.length > 0
      ? crmids.toSorted().map((each) => crmidOf(person, each))
      : emails.toSorted().map((each) => emailOf(person, each));
  return identities === 'all' ? values : values.slice(0, 1);
}

/**
 * How many changes an export brings: one for each identity that the route resolves to, or one for
 * none.
 */
export function changesOf(event: ReceivedEvent, identities: 'first' | 'all'): number {
  const body = JSON.parse(Buffer.from(event.body).toString()) as Body | readonly Body[];
  const counts = [body]
    .flat()
    .map(({ identityMap: { crmid, email } }) =>
      identities === 'first' ? 1 : Math.max(1, (crmid ?? email ?? []).length),
    );
  return counts.reduce((sum, count) => sum + count, 0);
}

interface Body {
  readonly identityMap: Readonly<Record<string, readonly unknown[]>>;
}

export { noonMs };
