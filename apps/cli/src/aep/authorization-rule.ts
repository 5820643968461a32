import {
  bearerTokenAuthenticationPolicy,
  createDefaultHttpClient,
  createPipelineFromOptions,
  createPipelineRequest,
} from '@azure/core-rest-pipeline';
import { CommandError, reasonOf } from '../terminal/command-error.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { azureCredential } from '../environment/azure-credential.ts';

export type WhichKey = 'primary' | 'secondary';
export type KeyPair = Readonly<Record<WhichKey, string>>;

/**
 * The two keys of one name, by Azure's management API. Both methods throw `CommandError` (1) with
 * Azure's own code.
 */
export interface AuthorizationRule {
  list(): Promise<KeyPair>;
  /**
   * Replaces one of the two; the other goes on to work. Azure's answer may be lost, so `list` says
   * what the keys are now.
   */
  regenerate(which: WhichKey): Promise<void>;
}

export interface RulePlace {
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  readonly namespace: string;
  /** Absent for a key of the whole namespace. */
  readonly eventHubName?: string;
  readonly keyName: string;
}

/**
 * The newest version of the resource provider that is not a preview ("Microsoft.EventHub",
 * 2024-01-01).
 */
const apiVersion = '2024-01-01';
const defaultUrl = 'https://management.azure.com';
/**
 * The variable that leads to another cloud's management API, or to a stand-in on this machine,
 * which is asked without a token.
 */
const urlVariable = 'AZURE_MANAGEMENT_URL';
const timeoutMs = 60_000;

/**
 * A rule of an event hub or a namespace. Signs in as Azure's other tools do: environment, `az
 * login` and so on. Sends no request yet. Throws `CommandError` (2) when `AZURE_MANAGEMENT_URL`
 * cannot be used.
 */
export async function authorizationRule(
  place: RulePlace,
  { environment, interrupted }: Terminal,
): Promise<AuthorizationRule> {
  const baseUrl = managementUrl(environment[urlVariable]);
  const isLocal = baseUrl.protocol === 'http:';
  const pipeline = createPipelineFromOptions({ retryOptions: { maxRetries: 4, maxRetryDelayInMs: 10_000 } });
  if (!isLocal) {
    const scopes = `${baseUrl.origin}/.default`;
    pipeline.addPolicy(bearerTokenAuthenticationPolicy({ credential: await azureCredential(), scopes }));
  }
  const client = createDefaultHttpClient();

  const post = async (action: 'listKeys' | 'regenerateKeys', body?: object): Promise<unknown> => {
    const doing = action === 'listKeys' ? 'read' : 'replace a key of';
    const url = new URL(`${rulePath(place)}/${action}`, baseUrl);
    url.searchParams.set('api-version', apiVersion);
    const request = createPipelineRequest({
      url: url.href,
      method: 'POST',
      timeout: timeoutMs,
      abortSignal: interrupted,
      allowInsecureConnection: isLocal,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (body !== undefined) request.headers.set('content-type', 'application/json');
    const { status, bodyAsText } = await pipeline.sendRequest(client, request).catch((error: unknown) => {
      interrupted.throwIfAborted();
      throw new CommandError(1, `Failed to ${doing} the key ${place.keyName} in Azure: ${reasonOf(error)}`, {
        cause: error,
      });
    });
    if (status === 200) return JSON.parse(bodyAsText ?? '');
    throw refusal(doing, place, status, bodyAsText ?? '');
  };

  return {
    async list() {
      const { primaryKey, secondaryKey } = (await post('listKeys')) as { primaryKey?: unknown; secondaryKey?: unknown };
      if (typeof primaryKey === 'string' && typeof secondaryKey === 'string') {
        return { primary: primaryKey, secondary: secondaryKey };
      }
      throw new CommandError(1, `Failed to read the key ${place.keyName} in Azure: the answer holds no two keys.`);
    },
    async regenerate(which) {
      await post('regenerateKeys', { keyType: which === 'primary' ? 'PrimaryKey' : 'SecondaryKey' });
    },
  };
}

function rulePath({ subscriptionId, resourceGroup, namespace, eventHubName, keyName }: RulePlace): string {
  const segments = [
    ...['subscriptions', subscriptionId, 'resourceGroups', resourceGroup],
    ...['providers', 'Microsoft.EventHub', 'namespaces', namespace],
    ...(eventHubName === undefined ? [] : ['eventhubs', eventHubName]),
    ...['authorizationRules', keyName],
  ];
  return `/${segments.map(encodeURIComponent).join('/')}`;
}

function managementUrl(given: string | undefined): URL {
  const url = URL.parse(given === undefined || given === '' ? defaultUrl : given);
  const isLocal = url?.protocol === 'http:' && ['localhost', '127.0.0.1'].includes(url.hostname);
  if (url !== null && (url.protocol === 'https:' || isLocal)) return url;
  throw new CommandError(2, `Failed to read ${urlVariable}: it is not an https URL, nor one of http on this machine.`);
}

const advice: Readonly<Record<number, string>> = {
  401: 'Sign in with az login.',
  403: 'Signing in worked, but listing or replacing keys is not allowed: the role Azure Event Hubs Data Owner or Contributor on the event hub allows it.',
  404: 'Check --subscription, --resource-group and the names; a key of the whole namespace needs --namespace-key.',
};

/** Azure's own code and words; they hold no key. */
function refusal(doing: string, { keyName }: RulePlace, status: number, body: string): CommandError {
  const { code = '', message = '' } = azureError(body);
  const words = [code, message].filter((word) => word !== '').join(', ');
  return new CommandError(
    1,
    `Failed to ${doing} the key ${keyName} in Azure: it answered ${status}${words === '' ? '' : ` (${words.replace(/\.$/, '')})`}. ${advice[status] ?? 'Try again later.'}`,
    { details: { status, ...(code === '' ? {} : { code }) } },
  );
}

function azureError(body: string): { readonly code?: string; readonly message?: string } {
  try {
    const { error } = JSON.parse(body) as { error?: { code?: unknown; message?: unknown } };
    const text = (value: unknown): string => (typeof value === 'string' ? value.slice(0, 300) : '');
    return { code: text(error?.code), message: text(error?.message) };
  } catch {
    return { message: 'it gave no reason' };
  }
}
