import type { Terminal } from '../terminal/terminal.ts';
import { exampleFile } from '../traffic/local/example.ts';
import { localEventHub } from '../traffic/local/local-event-hub.ts';
import type { ReconcileOptions } from './reconcile-options.ts';

/**
 * What `activation local --aep` and `activation aep … --local` know of each other: none of it is a
 * secret.
 */
export const localSide = {
  port: 8790,
  sandbox: 'prod',
  namespace: 'local',
  /** The destination in AEP is "Activation Hub local". */
  environment: 'local',
  clientId: 'local-client',
  clientSecret: 'local-client-secret',
  organisation: '0123456789ABCDEF@AdobeOrg',
} as const;

/**
 * The options and the terminal of a verb that is meant for `activation local --aep`: its platform,
 * its hub and, unless another is named, its example. Nothing that the environment says of a real
 * tenant is used; `AEP_PLATFORM_URL` and `AEP_EVENT_HUBS_URL` are, where they lead to this machine.
 */
export function atLocalSide(
  options: ReconcileOptions,
  terminal: Terminal,
): { readonly options: ReconcileOptions; readonly terminal: Terminal } {
  const here = (name: string, usual: string): string => {
    const url = terminal.environment[name] ?? '';
    return /^(?:http|sb):\/\/(?:localhost|127\.0\.0\.1):\d{1,5}\/?$/.test(url) ? url : usual;
  };
  const platformUrl = here('AEP_PLATFORM_URL', `http://127.0.0.1:${localSide.port}`);
  const { activations = exampleFile, ...others } = options;
  return {
    options: {
      ...others,
      activations,
      namespace: localSide.namespace,
      eventHub: localEventHub.name,
      sasKeyName: localEventHub.keyName,
    },
    terminal: {
      ...terminal,
      environment: {
        ...terminal.environment,
        AEP_PLATFORM_URL: platformUrl,
        AEP_IMS_URL: platformUrl,
        AEP_EVENT_HUBS_URL: here('AEP_EVENT_HUBS_URL', `sb://127.0.0.1:${localEventHub.port}`),
        AEP_CLIENT_ID: localSide.clientId,
        AEP_CLIENT_SECRET: localSide.clientSecret,
        AEP_ORG_ID: localSide.organisation,
        AEP_SANDBOX: localSide.sandbox,
        AEP_SAS_KEY: localEventHub.key,
      },
    },
  };
}
