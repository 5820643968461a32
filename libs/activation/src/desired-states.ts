import {
  areSameAttributes,
  contentDigest,
  type Attributes,
  type LedgerRecord,
  type MembershipState,
} from '@activation-hub/membership';
import type { DesiredMembership } from './resolve-memberships.ts';

/**
 * The desired states of a batch with their content. The rows of a person mostly have the same
 * attributes, and come one after the other.
 */
export class DesiredStates {
  #last: { readonly attributes: Attributes; readonly digest: string } | undefined;

  /** The content is the row's when the attributes are, and else must be computed. */
  of(
    { state, attributes }: Pick<DesiredMembership, 'state' | 'attributes'>,
    record: LedgerRecord | undefined,
  ): MembershipState {
    const isKnown = record !== undefined && areSameAttributes(record.attributes, attributes);
    return {
      status: state.status,
      isMember: state.isMember,
      qualifiedAtMs: state.qualifiedAtMs,
      enqueuedAtMs: state.enqueuedAtMs,
      sequenceNumber: state.sequenceNumber,
      content: isKnown ? record.known.content : this.#digestOf(attributes),
    };
  }

  #digestOf(attributes: Attributes): string {
    if (this.#last?.attributes !== attributes) this.#last = { attributes, digest: contentDigest(attributes) };
    return this.#last.digest;
  }
}
