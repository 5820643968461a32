import { attributeDepthMax } from '@activation-hub/audience-events';
import { areKeepable, attributesCharactersMax } from '@activation-hub/membership';
import type { LostChange } from './dead-letters-of.ts';
import type { DesiredMembership } from './resolve-memberships.ts';

/** Why the hub does not send a change on account of its attributes. */
type Unfit = Pick<LostChange, 'class' | 'reason'>;

/** Of `Resolved.tooDeep`: neither the ledger nor a connector could walk the attribute. */
export const tooDeep: Unfit = {
  class: 'too-deep',
  reason: `A mapped attribute is nested more than ${attributeDepthMax} levels deep. Map a part of it.`,
};

/** The row could not say what the destination was told. */
const tooLarge: Unfit = {
  class: 'too-large',
  reason: `The mapped attributes take more than the ${attributesCharactersMax} characters of JSON that the ledger keeps. Map fewer, or smaller ones.`,
};

/** Why a change with these attributes is not sent; undefined when it may be. */
export function whyUnfit({ attributes }: Pick<DesiredMembership, 'attributes'>): Unfit | undefined {
  return areKeepable(attributes) ? undefined : tooLarge;
}

/** The change as one that is rejected before it is sent. */
export function unfitChange({ event, route, audience }: DesiredMembership, why: Unfit): LostChange {
  return { event, destination: route.destination, audience: audience.key, outcome: 'rejected', ...why };
}
