import type { NeededExports } from '@activation-hub/activation-file';
import { destinationWords } from '@activation-hub/flow-service';
import type { EventStream } from './components/event-stream.ts';

/**
 * What to enter in AEP where nothing else makes the destination, field by field and step by step
 * under the names of AEP's forms (Destinations, Catalog, Azure Event Hubs). The key itself is not
 * in it: what is printed is how to see it.
 */
export function aepForm(
  environment: string,
  stream: Pick<EventStream, 'namespaceName' | 'hubName' | 'adobeKeyName'>,
  exports: NeededExports,
) {
  const { name, description } = destinationWords(environment);
  return {
    connect: {
      'Account type': 'SAS authentication',
      'SAS Key Name': stream.adobeKeyName,
      'SAS Key': `shown by: pulumi stack output adobeKey --show-secrets --stack ${environment}`,
      Namespace: stream.namespaceName,
      'Event Hub Name': stream.hubName,
    },
    details: {
      Name: name,
      Description: description,
      'Event Hub Name': stream.hubName,
      'Include Segment Names': 'off',
      'Include Segment Timestamps': 'off',
    },
    audiences: exports.audiences.map((audience) => `${audience.name} (${audience.id})`),
    mapping: exports.attributes,
  };
}
