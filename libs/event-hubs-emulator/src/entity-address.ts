/** What a link is attached to. */
export type EntityAddress =
  | { readonly kind: 'node'; readonly name: '$cbs' | '$management' }
  | { readonly kind: 'event-hub'; readonly eventHubName: string; readonly partitionId: string | undefined }
  | {
      readonly kind: 'partition-of-group';
      readonly eventHubName: string;
      readonly consumerGroup: string;
      readonly partitionId: string;
    };

/**
 * Reads `hub`, `hub/Partitions/0`, `hub/ConsumerGroups/group/Partitions/0`, `$cbs`, `$management`
 * and `hub/$management`, alone or behind `scheme://host/`. Undefined for anything else.
 */
export function parseEntityAddress(address: string): EntityAddress | undefined {
  const path = address.replace(/^[a-z]+:\/\/[^/]*\//i, '').replace(/^\/|\/$/g, '');
  const segments = path.split('/');
  const [eventHubName = '', ...rest] = segments;
  const last = segments.at(-1)?.toLowerCase();
  if (segments.length === 1 && last === '$cbs') return { kind: 'node', name: '$cbs' };
  if (segments.length <= 2 && last === '$management') return { kind: 'node', name: '$management' };
  if (eventHubName === '') return undefined;
  if (rest.length === 0) return { kind: 'event-hub', eventHubName, partitionId: undefined };
  const words = rest.filter((_, index) => index % 2 === 0).map((word) => word.toLowerCase());
  const [first = '', second = ''] = rest.filter((_, index) => index % 2 === 1);
  if (rest.length === 2 && words[0] === 'partitions') return { kind: 'event-hub', eventHubName, partitionId: first };
  if (rest.length === 4 && words[0] === 'consumergroups' && words[1] === 'partitions') {
    return { kind: 'partition-of-group', eventHubName, consumerGroup: first, partitionId: second };
  }
  return undefined;
}
