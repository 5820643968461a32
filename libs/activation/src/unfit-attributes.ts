import { attributeDepthMax } from '@activation-hub/audience-events';
import { areKeepable, attributesCharactersMax } from '@activation-hub/membership';
import type { DesiredMembership } from './resolve-memberships.ts';

/** Why the hub does not send a change on account of its attributes. */
export interface Unfit {
  readonly class: string;
  readonly reason: string;
}

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
