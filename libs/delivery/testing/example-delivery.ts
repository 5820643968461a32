import type { Change, Delivery } from '@activation-hub/destination-kit';

/** An entry into one audience, of another person for every number, unless told otherwise. */
export function exampleDelivery(number: number, over: Partial<Change> = {}): Delivery {
  const change: Change = {
    id: `change-${number}`,
    kind: 'entered',
    audience: { key: 'sports-fans', namespace: 'ups', id: '0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a02' },
    identity: { namespace: 'crmid', value: `person-${number}` },
    qualifiedAt: '2026-01-11T21:24:39.000Z',
    attributes: { firstname: 'Ada' },
    ...over,
  };
  return { change, options: {} };
}
