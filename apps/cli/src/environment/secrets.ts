import type { HttpClient } from '@activation-hub/destination-kit';
import { secretVariable } from '@activation-hub/handler-contract';
import type { TokenCredential } from '@azure/core-auth';
import { z } from 'zod';
import { azureCredential } from './azure-credential.ts';
import { outputText, readStackOutputs } from './stack-outputs.ts';
import { CommandError, reasonOf } from '../terminal/command-error.ts';
import type { Terminal } from '../terminal/terminal.ts';

/**
 * Gives the value of a secret by its name, or throws with words that say where it was looked for.
 */
export type ReadSecret = (name: string) => Promise<string>;

export interface SecretOptions {
  readonly environment?: string;
  /** Name or URL of a Key Vault. */
  readonly vault?: string;
}

/** From the environment's variables alone. */
export function environmentSecrets({ environment }: Pick<Terminal, 'environment'>): ReadSecret {
  return (name) => {
    const value = environment[secretVariable(name)] ?? '';
    if (value !== '') return Promise.resolve(value);
    return Promise.reject(
      new CommandError(
        2,
        `${secretVariable(name)} is not set. Set it in the environment, or in a file .env in the folder of the command.`,
      ),
    );
  };
}

/** From the environment's variables, and what is not there from the Key Vault, if there is one. */
export function chooseSecrets(
  { environment, vault }: SecretOptions,
  http: HttpClient,
  terminal: Terminal,
  credentialOf: () => Promise<TokenCredential> = azureCredential,
): ReadSecret {
  let opened: Promise<ReadSecret> | undefined;
  const open = async (): Promise<ReadSecret> => {
    const named = vault ?? (environment === undefined ? undefined : await vaultOfStack(environment, terminal));
    if (named !== undefined) return vaultSecrets(vaultUrl(named), { http, credential: await credentialOf(), terminal });
    return (name) =>
      Promise.reject(
        new CommandError(
          2,
          `${secretVariable(name)} is not set. Set it, or give --environment or --vault for a Key Vault.`,
        ),
      );
  };
  return async (name) => {
    const value = terminal.environment[secretVariable(name)] ?? '';
    if (value !== '') return value;
    // What failed once, such as a sign-in, is tried again by the next.
    opened ??= open().catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
    return await (
      await opened
    )(name);
  };
}

async function vaultOfStack(stack: string, terminal: Terminal): Promise<string> {
  return outputText(await readStackOutputs(stack, terminal, '--vault'), 'vault', stack);
}

function vaultUrl(named: string): string {
  if (/^[A-Za-z0-9-]{3,24}$/.test(named)) return `https://${named}.vault.azure.net`;
  const url = URL.parse(named);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new CommandError(
      2,
      'Failed to read --vault: it must be the name of a Key Vault, or a URL such as https://contoso.vault.azure.net.',
    );
  }
  return url.origin;
}

/** Of Key Vault's REST interface: the newest that all clouds have. */
const apiVersion = '7.4';
const bundle = z.object({ value: z.string() });

/** Reads secrets from a Key Vault, each its newest version. */
export function vaultSecrets(
  vault: string,
  {
    http,
    credential,
    terminal,
  }: { readonly http: HttpClient; readonly credential: TokenCredential; readonly terminal: Terminal },
): ReadSecret {
  // Sovereign clouds have vaults under other names, and tokens for these: https://vault.azure.net,
  // https://vault.azure.cn.
  const audience = new URL(vault).hostname.replace(/^[^.]+\.(?=vault\.)/, '');
  const scope = `https://${audience.startsWith('vault.') ? audience : 'vault.azure.net'}/.default`;
  return async (name) => {
    const failed = (why: string, cause?: unknown) =>
      new CommandError(1, `Failed to read the secret ${name} from ${vault}: ${why}`, { cause });
    const token = await credential.getToken(scope, { abortSignal: terminal.interrupted }).catch((error: unknown) => {
      throw failed(`there is no sign-in to Azure (${reasonOf(error)}) Run az login.`, error);
    });
    const response = await http.send(
      {
        method: 'GET',
        url: `${vault}/secrets/${name}?api-version=${apiVersion}`,
        headers: { authorization: `Bearer ${token?.token ?? ''}`, accept: 'application/json' },
      },
      terminal.interrupted,
    );
    if (response.status === 404) throw failed('it is not there. Set it with az keyvault secret set.');
    if (response.status === 401 || response.status === 403) {
      throw failed(
        'it may not be read. Give yourself the role Key Vault Secrets User, and look whether the vault has a firewall.',
      );
    }
    const parsed = response.status === 200 ? bundle.safeParse(parse(response.body)) : undefined;
    if (parsed?.success !== true) throw failed(`it answers ${response.status}. Try it again.`);
    return parsed.data.value;
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
