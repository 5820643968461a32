import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  startAdobePlatform,
  type AdobePlatform,
  type AdobePlatformOptions,
} from '@activation-hub/flow-service/testing';
import { onTestFinished } from 'vitest';
import { startEmulatedAzure, type EmulatedAzure } from '../src/aep/emulated-azure.ts';
import { run } from '../src/main.ts';
import { capturedTerminal } from './captured-terminal.ts';
import { temporaryFolder } from './temporary-folder.ts';

export const audienceIds = ['a', 'b', 'c'].map((letter) => `0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a0${letter}`);
/** The options that name the hub of the stand-in. */
export const hubWords = ['--namespace', 'local', '--event-hub', 'profile-exports', '--sas-key-name', 'adobe'];

export interface AepEnvironment {
  readonly platform: AdobePlatform;
  readonly azure: EmulatedAzure;
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Writes `dev.yaml` with these entries under `audiences`. */
  writeFile(audiences: string): Promise<void>;
  /** Runs `activation aep` with these words, in this process. */
  aep(...words: readonly string[]): ReturnType<AepEnvironment['activation']>;
  /** Runs any verb, in this process. */
  activation(
    words: readonly string[],
    more?: RunInProcess,
  ): Promise<{ readonly code: number; readonly output: string; readonly errors: string }>;
  /** Writes to Flow Service so far, as `POST flows`. */
  writes(): readonly string[];
}

export interface RunInProcess {
  /** Set besides, or instead. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Told of each line; what it throws ends the command there. */
  readonly onPrint?: (line: string) => void;
  readonly interrupted?: AbortSignal;
}

/**
 * A stand-in of AEP with three audiences, a hub with its keys, and a folder; all gone after the
 * test.
 */
export async function aepEnvironment(options: AdobePlatformOptions = {}): Promise<AepEnvironment> {
  const audiences = audienceIds.map((id, index) => ({
    id,
    name: ['Sports Fans', 'Newcomers', 'Große Käufe'][index] ?? '',
  }));
  const platform = await startAdobePlatform({ audiences, deletionMs: 50, ...options });
  onTestFinished(() => platform.stop());
  const azure = await startEmulatedAzure({ eventHubsPort: 0, managementPort: 0 });
  onTestFinished(() => azure.stop());
  const folder = await temporaryFolder();
  const environment = {
    AEP_PLATFORM_URL: platform.url,
    AEP_IMS_URL: platform.url,
    AEP_CLIENT_ID: platform.clientId,
    AEP_CLIENT_SECRET: platform.clientSecret,
    AEP_ORG_ID: platform.organisation,
    AEP_SANDBOX: 'prod',
    AEP_SAS_KEY: azure.keys().primary,
    AEP_EVENT_HUBS_URL: azure.eventHubsUrl,
    AZURE_MANAGEMENT_URL: azure.managementUrl,
    AZURE_SUBSCRIPTION_ID: azure.place.subscriptionId,
  };
  const activation: AepEnvironment['activation'] = async (words, { environment: more, onPrint, interrupted } = {}) => {
    const terminal = capturedTerminal({
      environment: { ...process.env, ...environment, ...more },
      folder,
      ...(onPrint === undefined ? {} : { print: onPrint }),
      ...(interrupted === undefined ? {} : { interrupted }),
    });
    const code = await run(words, terminal);
    const text = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');
    return { code, output: text(terminal.printed), errors: text(terminal.said) };
  };
  return {
    platform,
    azure,
    folder,
    environment,
    writeFile: (entries) =>
      writeFile(
        join(folder, 'dev.yaml'),
        `version: 1\ndestinations: { crm: { type: log } }\naudiences:\n${entries.replace(/^/gm, '  ')}\n`,
      ),
    aep: (...words) => activation(['aep', ...words]),
    activation,
    writes: () =>
      platform.requests.flatMap(({ method, path }) => {
        const collection = /flowservice\/(\w+)/.exec(path)?.[1];
        return method === 'GET' || collection === undefined ? [] : [`${method} ${collection}`];
      }),
  };
}

/** An entry of `audiences`. */
export function audience(key: string, id: string, rest = ''): string {
  return `${key}: { id: "${id}", ${rest} activate: [{ destination: crm, identity: email }] }`;
}
