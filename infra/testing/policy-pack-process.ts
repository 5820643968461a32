import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { credentials, type ServiceError } from '@grpc/grpc-js';
import emptyMessages from 'google-protobuf/google/protobuf/empty_pb.js';
import structMessages from 'google-protobuf/google/protobuf/struct_pb.js';
import analyzerServices from '@pulumi/pulumi/proto/analyzer_grpc_pb.js';
import analyzer, { type AnalyzeResponse } from '@pulumi/pulumi/proto/analyzer_pb.js';
import type { CheckedResource } from '../policy/rules.ts';

/** What the pack says of a rule that is broken. */
export interface Breach {
  readonly policy: string;
  readonly message: string;
  readonly isMandatory: boolean;
}

/**
 * The policy pack in a process of its own, as Pulumi starts it, asked in the protocol in which
 * Pulumi asks.
 */
export interface PolicyPackProcess {
  readonly policyNames: () => Promise<readonly string[]>;
  /** Before one resource is made. */
  readonly analyze: (resource: CheckedResource) => Promise<readonly Breach[]>;
  /** When the program is through; Pulumi sends what Azure answered, so nothing is sent here. */
  readonly analyzeStack: () => Promise<readonly Breach[]>;
  readonly stop: () => Promise<void>;
}

export const packFolder = join(import.meta.dirname, '..', 'policy');

/**
 * The entry points of the SDK by which Pulumi has a pack loaded: by a language host of today, in
 * the folder of the program, and by an older one, in that of the pack.
 */
export const packLoaders = {
  'run-plugin': { words: [packFolder], cwd: join(packFolder, '..') },
  'run-policy-pack': { words: ['127.0.0.1:1', '.'], cwd: packFolder },
} as const;

/** Throws with what the pack said when it does not start. */
export async function startPolicyPack(loader: keyof typeof packLoaders = 'run-plugin'): Promise<PolicyPackProcess> {
  const entryPoint = createRequire(import.meta.url).resolve(`@pulumi/pulumi/cmd/${loader}`);
  const { words, cwd } = packLoaders[loader];
  const child = spawn(process.execPath, [entryPoint, ...words], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'close');
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (more: string) => (errors += more));
  const first = await Promise.race([
    once(createInterface({ input: child.stdout }), 'line'),
    ended.then(() => undefined),
  ]);
  if (first === undefined) throw new Error(`Failed to start the policy pack by ${loader}: ${errors}`);
  const client = new analyzerServices.AnalyzerClient(`127.0.0.1:${String(first[0])}`, credentials.createInsecure());
  return {
    async policyNames() {
      const info = await answered<analyzer.AnalyzerInfo>((reply) =>
        client.getAnalyzerInfo(new emptyMessages.Empty(), reply),
      );
      return info.getPoliciesList().map((policy) => policy.getName());
    },
    async analyze(resource) {
      return breachesIn(await answered<AnalyzeResponse>((reply) => client.analyze(requestOf(resource), reply)));
    },
    async analyzeStack() {
      const request = new analyzer.AnalyzeStackRequest();
      return breachesIn(await answered<AnalyzeResponse>((reply) => client.analyzeStack(request, reply)));
    },
    async stop() {
      client.close();
      child.kill();
      await ended;
    },
  };
}

function answered<Answer>(ask: (reply: (error: ServiceError | null, answer: Answer) => void) => unknown) {
  return new Promise<Answer>((resolve, reject) => {
    ask((error, answer) => (error === null ? resolve(answer) : reject(error)));
  });
}

function requestOf({ type, name, inputs }: CheckedResource): analyzer.AnalyzeRequest {
  const request = new analyzer.AnalyzeRequest();
  request.setType(type);
  request.setName(name);
  const options = new analyzer.AnalyzerResourceOptions();
  request.setOptions(options);
  request.setUrn(`urn:pulumi:prod::activation-hub::${type}::${name}`);
  request.setProperties(
    structMessages.Struct.fromJavaScript(marked(inputs) as Parameters<typeof structMessages.Struct.fromJavaScript>[0]),
  );
  return request;
}

/**
 * As the engine marks what is unknown and what is secret (sdk/go/common/resource/properties.go).
 */
function marked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(marked);
  if (typeof value !== 'object' || value === null) return value;
  if ('unknown' in value) return '04da6b54-80e4-46f7-96ec-b56ff0331ba9';
  if ('secret' in value) {
    return { '4dabf18193072939515e22adb298388d': '1b47061264138c4ac30d75fd1eb44270', value: 'a secret' };
  }
  const known = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(known.map(([key, inner]) => [key, marked(inner)]));
}

function breachesIn(response: AnalyzeResponse): readonly Breach[] {
  return response.getDiagnosticsList().map((diagnostic) => ({
    policy: diagnostic.getPolicyname(),
    message: diagnostic.getMessage(),
    isMandatory: diagnostic.getEnforcementlevel() === analyzer.EnforcementLevel.MANDATORY,
  }));
}
