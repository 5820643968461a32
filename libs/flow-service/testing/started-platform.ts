import { afterEach } from 'vitest';
import { createAdobeClient, type AdobeClient, type PlatformOptions } from '../src/index.ts';
import { startAdobePlatform, type AdobePlatform, type AdobePlatformOptions } from './adobe-platform.ts';
import { VirtualTime } from './virtual-time.ts';

export interface StartedPlatform {
  readonly platform: AdobePlatform;
  readonly time: VirtualTime;
  /** A client of its own, with its own token. */
  readonly client: (options?: Partial<PlatformOptions>) => AdobeClient;
}

const running: AdobePlatform[] = [];
afterEach(async () => {
  for (const platform of running.splice(0)) await platform.stop();
});

/** The stand-in on virtual time, stopped after the test. */
export async function startPlatform(options: AdobePlatformOptions = {}, seed = 1): Promise<StartedPlatform> {
  const time = new VirtualTime(seed);
  const platform = await startAdobePlatform({ now: time.now, ...options });
  running.push(platform);
  const { url, organisation, clientId, clientSecret } = platform;
  return {
    platform,
    time,
    client: (more = {}) =>
      createAdobeClient({
        platformUrl: url,
        imsUrl: url,
        organisation,
        clientId,
        clientSecret,
        sandbox: 'prod',
        clock: time,
        ...more,
      }),
  };
}

/** The error of a call that must fail. */
export async function failureOf(call: Promise<unknown>): Promise<Error> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new Error('Failed to find an error: the call succeeded.');
  return error;
}
