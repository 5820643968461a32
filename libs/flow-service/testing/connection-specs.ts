export interface ToggleNames {
  readonly segmentNames: string;
  readonly segmentTimestamps: string;
}

/**
 * The connection specification of Azure Event Hubs: documented ids and auth name, guessed form of
 * the target parameters.
 */
export function eventHubsConnectionSpec(toggles: ToggleNames | 'none'): Record<string, unknown> {
  const toggleProperties =
    toggles === 'none'
      ? {}
      : {
          [toggles.segmentNames]: { type: 'boolean', title: 'Include Segment Names' },
          [toggles.segmentTimestamps]: { type: 'boolean', title: 'Include Segment Timestamps' },
        };
  const text = { type: 'string' };
  return {
    id: 'bf9f5905-92b7-48bf-bf20-455bc6b60a4e',
    name: 'Azure Event Hubs',
    version: '1.0',
    authSpec: [
      {
        name: 'Azure EventHub authentication credentials',
        type: 'EventHub',
        spec: {
          type: 'object',
          properties: {
            sasKeyName: text,
            sasKey: { ...text, format: 'password' },
            namespace: text,
            eventHubName: text,
          },
          required: ['sasKeyName', 'sasKey', 'namespace'],
        },
      },
    ],
    targetSpec: {
      spec: {
        type: 'object',
        properties: { eventHubName: text, ...toggleProperties },
        required: ['eventHubName'],
      },
    },
  };
}

export const profileConnectionSpec: Record<string, unknown> = {
  id: '8a9c3494-9708-43d7-ae3f-cda01e5030e1',
  name: 'profile-service',
  version: '1.0',
  authSpec: [],
};
