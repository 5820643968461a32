import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import {
  Server,
  ServerCredentials,
  type sendUnaryData,
  type ServerUnaryCall,
  type ServerWritableStream,
} from '@grpc/grpc-js';
import languageServices from '@pulumi/pulumi/proto/language_grpc_pb.js';
import language, {
  type ProgramInfo,
  type RunPluginRequest,
  type RunRequest,
} from '@pulumi/pulumi/proto/language_pb.js';
import plugin from '@pulumi/pulumi/proto/plugin_pb.js';
import { endWithParent } from './end-with-parent.ts';

/**
 * Stands in for Pulumi's `pulumi-language-nodejs`, a Go program, where that is not installed: it
 * starts the program in a process of its own, with the entry point of the SDK, the arguments and
 * the variables that the original gives it. Nothing else of the original is here: no plugins are
 * looked for, no packages installed.
 */
interface RuntimeOptions {
  readonly typescript?: boolean;
  readonly tsconfig?: string;
  readonly nodeargs?: string;
}

/** The exit code with which the SDK says that it has told everything itself (cmd/run/index.js). */
const exitAfterOwnWords = 32;

const [engineAddress = ''] = process.argv.slice(2).filter((argument) => !argument.startsWith('-'));

function run(call: ServerUnaryCall<RunRequest, unknown>, reply: sendUnaryData<unknown>): void {
  const request = call.request;
  const info = request.getInfo();
  const options = (info?.getOptions()?.toJavaScript() ?? {}) as RuntimeOptions;
  const nodeArguments = options.nodeargs?.split(/\s+/).filter((argument) => argument !== '') ?? [];
  const child = spawn('node', [...nodeArguments, ...programArguments(request, info)], {
    cwd: request.getPwd(),
    env: { ...process.env, ...programVariables(request, options) },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const answer = (error: string, bail = false): void => {
    const response = new language.RunResponse();
    response.setError(error);
    response.setBail(bail);
    reply(null, response);
  };
  child.once('error', (error) => answer(`Failed to start node: ${error.message}`));
  child.once('exit', (code, signal) => {
    if (code === 0) answer('');
    else if (code === exitAfterOwnWords) answer('', true);
    else answer(`Program exited with ${signal ?? `non-zero exit code: ${code ?? 'none'}`}`);
  });
}

function programArguments(request: RunRequest, info: ProgramInfo | undefined): readonly string[] {
  const named = {
    monitor: request.getMonitorAddress(),
    engine: engineAddress,
    organization: request.getOrganization(),
    project: request.getProject(),
    'root-directory': info?.getRootDirectory() ?? '',
    stack: request.getStack(),
    pwd: request.getPwd(),
    parallel: String(request.getParallel()),
  };
  const directory = info?.getProgramDirectory() ?? request.getPwd();
  const entryPoint = createRequire(join(directory, 'package.json')).resolve('@pulumi/pulumi/cmd/run');
  return [
    entryPoint,
    ...Object.entries(named).flatMap(([name, value]) => (value === '' ? [] : [`--${name}`, value])),
    ...(request.getDryrun() ? ['--dry-run'] : []),
    info?.getEntryPoint() ?? request.getProgram(),
    ...request.getArgsList(),
  ];
}

function programVariables(request: RunRequest, options: RuntimeOptions): Record<string, string> {
  return {
    PULUMI_CONFIG: JSON.stringify(Object.fromEntries(request.getConfigMap().entries())),
    PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(request.getConfigsecretkeysList()),
    // The original compiles TypeScript with ts-node unless the project says not to.
    ...((options.typescript ?? true) ? { PULUMI_NODEJS_TYPESCRIPT: 'true' } : {}),
    ...(options.tsconfig === undefined ? {} : { PULUMI_NODEJS_TSCONFIG_PATH: options.tsconfig }),
  };
}

/**
 * Starts a policy pack, which is a plugin written as a program, and passes on what it says. It runs
 * in its own folder, for it reads its version from the `package.json` there.
 */
function runPlugin(call: ServerWritableStream<RunPluginRequest, language.RunPluginResponse>): void {
  const directory = call.request.getInfo()?.getProgramDirectory() ?? '';
  const entryPoint = createRequire(join(directory, 'package.json')).resolve('@pulumi/pulumi/cmd/run-plugin');
  const child = spawn('node', [entryPoint, directory, ...call.request.getArgsList()], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const pass = (set: (response: language.RunPluginResponse) => void): void => {
    const response = new language.RunPluginResponse();
    set(response);
    call.write(response);
  };
  child.stdout.on('data', (words: Buffer) => pass((response) => void response.setStdout(words)));
  child.stderr.on('data', (words: Buffer) => pass((response) => void response.setStderr(words)));
  child.once('error', (error) => call.destroy(error));
  child.once('close', (code) => {
    pass((response) => void response.setExitcode(code ?? 1));
    call.end();
  });
  call.once('cancelled', () => child.kill());
}

endWithParent();
const server = new Server();
server.addService(languageServices.LanguageRuntimeService, {
  handshake: (_call: unknown, reply: sendUnaryData<unknown>) => reply(null, new language.LanguageHandshakeResponse()),
  getPluginInfo: (_call: unknown, reply: sendUnaryData<unknown>) => reply(null, new plugin.PluginInfo()),
  getRequiredPackages: (_call: unknown, reply: sendUnaryData<unknown>) =>
    reply(null, new language.GetRequiredPackagesResponse()),
  run,
  runPlugin,
});
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  // The engine reads the port from the first line.
  process.stdout.write(`${port}\n`);
});
