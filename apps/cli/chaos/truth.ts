import {
  attributeAt,
  isRefusal,
  readMembership,
  readProfileExports,
  type JsonObject,
  type JsonValue,
} from '@activation-hub/audience-events';
import type { Tenant } from '../src/tenant.ts';
import { audiences, consentPath, identityNamespaces, mappedAttributes } from './chaos-file.ts';
import { gatedAudience, type Receiver } from './receivers.ts';

export interface Comparison {
  /** Members that the receiver should have. */
  readonly members: number;
  /** Members whom it does not have. */
  readonly missing: number;
  /** Whom it has though they are none. */
  readonly extra: number;
  /** Members whom it has with attributes that are not the newest. */
  readonly outdated: number;
  /**
   * Of the kind that has no certain order: within one qualification consent or an attribute went there and back over several
   * partitions (docs/decisions/what-orders-states.md). How many there are, and how many of them differ.
   */
  readonly thereAndBack: number;
  readonly thereAndBackDiffering: number;
}

interface Newest {
  readonly qualifiedAtMs: number;
  readonly isExit: boolean;
  last: string;
  readonly contents: Set<string>;
  isThereAndBack: boolean;
}

/** What was sent of each person in each audience, as far as the tenant's truth needs it to be judged. */
export class SentStates {
  readonly #newest = new Map<string, Newest>();

  /** Takes exports in the order in which they are sent. */
  note(body: JsonObject): void {
    const { exports } = readProfileExports(Buffer.from(JSON.stringify(body)));
    for (const profile of exports) {
      const namespace = identityNamespaces.find((name) => profile.identities.has(name));
      if (namespace === undefined) continue;
      const [value = ''] = profile.identities.get(namespace) ?? [];
      const isWithdrawn = attributeAt(body, consentPath.split('.')) === 'n';
      for (const audience of Object.keys(audiences)) {
        // The tenant sends nothing from the future, so the time of the event need not be known.
        const membership = readMembership(profile, 'ups', `chaos-${audience}`, Infinity);
        if (isRefusal(membership)) continue;
        const isExit = !membership.isMember;
        const isOut = isExit || (isWithdrawn && audience === gatedAudience);
        const content = isOut ? '' : attributesJson((path) => attributeAt(body, path.split('.')));
        this.#see(`${audience} ${namespace} ${value}`, membership.qualifiedAtMs, isExit, content);
      }
    }
  }

  isThereAndBack(key: string): boolean {
    return this.#newest.get(key)?.isThereAndBack === true;
  }

  #see(key: string, qualifiedAtMs: number, isExit: boolean, content: string): void {
    const newest = this.#newest.get(key);
    const order =
      newest === undefined ? 1 : qualifiedAtMs - newest.qualifiedAtMs || Number(isExit) - Number(newest.isExit);
    if (newest === undefined || order > 0) {
      const contents = new Set([content]);
      this.#newest.set(key, { qualifiedAtMs, isExit, last: content, contents, isThereAndBack: false });
    } else if (order === 0 && content !== newest.last) {
      newest.isThereAndBack ||= newest.contents.has(content);
      newest.contents.add(content);
      newest.last = content;
    }
  }
}

/** Compares what a receiver knows with what the tenant says that it should. */
export function compare(tenant: Tenant, sent: SentStates, receiver: Receiver): Comparison {
  const counts = { members: 0, missing: 0, extra: 0, outdated: 0, thereAndBack: 0, thereAndBackDiffering: 0 };
  const expected = new Set<string>();
  for (const { identity, audience, status, consentWithdrawn, attributes } of tenant.truth({
    namespaces: [...identityNamespaces],
    identities: 'first',
  })) {
    const name = audience.id.replace('chaos-', '');
    if (audiences[name]?.includes(receiver.kind) !== true) continue;
    const key = `${name} ${identity.namespace} ${identity.value}`;
    expected.add(key);
    const isMember = status === 'realized' && !(consentWithdrawn && name === gatedAudience);
    const has = receiver.members.get(key);
    const should = isMember ? attributesJson((path) => attributes[path]) : undefined;
    if (isMember) counts.members += 1;
    const isLenient = sent.isThereAndBack(key);
    if (isLenient) counts.thereAndBack += 1;
    if (has === should) continue;
    // Without a gate membership has a certain order, whatever attributes do.
    const isOnlyContent = name === gatedAudience || (has !== undefined && should !== undefined);
    if (isLenient && isOnlyContent) counts.thereAndBackDiffering += 1;
    else if (has === undefined) counts.missing += 1;
    else if (should === undefined) counts.extra += 1;
    else counts.outdated += 1;
  }
  for (const key of receiver.members.keys()) if (!expected.has(key)) counts.extra += 1;
  return counts;
}

function attributesJson(valueAt: (path: string) => JsonValue | undefined): string {
  return JSON.stringify(
    Object.fromEntries(Object.entries(mappedAttributes).map(([name, path]) => [name, valueAt(path)])),
  );
}
