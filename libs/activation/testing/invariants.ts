import { rowsOf } from '@activation-hub/delivery';
import { isFormerOf, type LedgerEntry } from '@activation-hub/membership';
import { expect } from 'vitest';
import { chosenValuesOf, digestOf, newestStates, personOf, truthOf, valuesOf, type NumberedState } from './people.ts';
import type { ProtocolWorld } from './protocol-world.ts';

/**
 * The invariants of the protocol (docs/specs/ledger.md, section 8), each as a checker of its name.
 * All but `nothingOlderAfterNewer` are checked when everything has come to rest. Their failures
 * begin with their names.
 */

/**
 * A destination is not told an older state of an identity after a newer one, and attributes not
 * back in time.
 */
export function nothingOlderAfterNewer({ destination }: ProtocolWorld): void {
  for (const told of Map.groupBy(destination.told, ({ identity }) => identity.value).values()) {
    const times = told.map(({ qualifiedAt }) => Date.parse(qualifiedAt));
    expect(times, 'nothingOlderAfterNewer').toEqual(times.toSorted((left, right) => left - right));
  }
}

/**
 * Every member of the destination has the attributes of the newest export. `truth` is by identity
 * value.
 */
export function newestStateWins({ destination }: ProtocolWorld, truth: ReadonlyMap<string, string>): void {
  for (const [key, { attributes }] of destination.members) {
    const value = key.slice(key.indexOf(' ') + 1);
    const should = truth.get(value);
    if (should !== undefined) expect([value, attributes.firstname], 'newestStateWins').toEqual([value, should]);
  }
}

/**
 * The destination knows each person under the identities that the newest export resolves to, and
 * under no other one.
 */
export function exactlyTheCurrentIdentities({ destination }: ProtocolWorld, truth: ReadonlyMap<string, string>): void {
  const has = [...destination.members.keys()].map((key) => key.slice(key.indexOf(' ') + 1)).sort();
  expect(has, 'exactlyTheCurrentIdentities').toEqual([...truth.keys()].sort());
}

/**
 * What holds without `follow`: of the identities that the newest export of a person has, the
 * destination knows exactly the chosen ones.
 */
export function onlyTheChosen(
  { destination }: ProtocolWorld,
  states: readonly NumberedState[],
  identities: 'first' | 'all',
): void {
  const inNewest = new Set([...newestStates(states)].flatMap(valuesOf));
  const members = [...destination.members.keys()].map((key) => key.slice(key.indexOf(' ') + 1));
  const known = members.filter((value) => inNewest.has(value)).toSorted();
  expect(known, 'onlyTheChosen').toEqual([...truthOf(states, identities).keys()].toSorted());
}

/**
 * A row has the digest of an export only while each row under another identity of that export knows
 * no member, and remembers it.
 */
export async function noDigestHidesAMember(
  world: ProtocolWorld,
  states: readonly NumberedState[],
  { identities, follow }: { readonly identities: 'first' | 'all'; readonly follow: readonly string[] },
): Promise<void> {
  const rows = (await world.rows()).filter(({ key }) => !key.destination.endsWith('~link'));
  const rowOf = new Map(rows.map((row) => [row.key.identity.value, row.record]));
  const hiding = states.flatMap((state) => {
    const digest = digestOf(state, identities, follow);
    const chosen = chosenValuesOf(state, identities);
    const withDigest = rows.filter(
      ({ key, record }) => digest !== '' && record.linkDigest === digest && chosen.includes(key.identity.value),
    );
    const others = valuesOf(state).filter((value) => !chosen.includes(value));
    return withDigest.flatMap(({ key: { identity } }) =>
      others.filter((value) => !isFormerOf(rowOf.get(value), [identity])),
    );
  });
  expect(hiding, 'noDigestHidesAMember').toEqual([]);
}

/** The destination has no member: its routes are retired, and every member was removed. */
export function nothingLeftBehind({ destination }: ProtocolWorld): void {
  expect([...destination.members.keys()], 'nothingLeftBehind').toEqual([]);
}

/** Every change of an event ended in one counted outcome, every time that the event was given. */
export function everyChangeCountedOnce({ miscounted }: ProtocolWorld): void {
  expect(miscounted, 'everyChangeCountedOnce').toEqual([]);
}

/** No row is deferred or leased when no retry waits. */
export async function noRowWaitsForNothing(world: ProtocolWorld): Promise<void> {
  expect(await world.retries(), 'noRowWaitsForNothing').toEqual([]);
  const waiting = (await world.rows()).filter(({ record }) => ['deferred', 'leased'].includes(record.rowState.is));
  expect(
    waiting.map(({ key, record }) => [key, record.rowState]),
    'noRowWaitsForNothing',
  ).toEqual([]);
}

/** Nothing of a person who was forgotten is in the ledger, in a retry or in a dead letter. */
export async function nothingOfTheForgotten(world: ProtocolWorld, person: number): Promise<void> {
  const isOfPerson = (text: string): boolean => personOf(text) === person;
  const rows = (await world.rows()).filter((row) => isOfPerson(row.key.identity.value) || isLinkedTo(row, isOfPerson));
  expect(
    rows.map(({ key }) => key),
    'nothingOfTheForgotten',
  ).toEqual([]);
  const retried = (await world.retries()).flatMap((retry) => [
    ...retry.events.map(({ event }) => Buffer.from(event.body).toString()),
    ...rowsOf(retry).map(({ row }) => `"${row.identity.value}"`),
  ]);
  const bodies = [...retried, ...world.letters.map(({ event }) => Buffer.from(event.body).toString())];
  const quoted = [`"p${person}-`, `"ecid-${person}"`];
  expect(
    bodies.filter((body) => quoted.some((value) => body.includes(value))),
    'nothingOfTheForgotten',
  ).toEqual([]);
}

function isLinkedTo({ record }: LedgerEntry, isOfPerson: (text: string) => boolean): boolean {
  const { identities } = record.attributes;
  return Array.isArray(identities) && identities.some((pair) => Array.isArray(pair) && isOfPerson(String(pair[1])));
}
