import { Audiences } from './audiences.ts';
import { FlowService } from './flow-service.ts';
import { PlatformConnection, type PlatformOptions } from './platform-connection.ts';
import type { Clock } from './retry.ts';

/** Adobe Experience Platform, in one sandbox, with one credential. */
export interface AdobeClient {
  readonly flowService: FlowService;
  readonly audiences: Audiences;
  readonly clock: Clock;
}

/**
 * Sends no request. Throws `RangeError` when an option cannot work; the error does not show the
 * option's value.
 */
export function createAdobeClient(options: PlatformOptions): AdobeClient {
  const platform = new PlatformConnection(options);
  return {
    flowService: new FlowService(platform),
    audiences: new Audiences(platform),
    clock: platform.clock,
  };
}
