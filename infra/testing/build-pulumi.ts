import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findPulumi, onPath, pulumiFolder, pulumiVersion } from './pulumi-command.ts';

/** The first time compiles some 1,600 Go packages. */
const buildMsMax = 40 * 60_000;

const help = `Usage: npm run infra:build-pulumi

Builds the Pulumi CLI ${pulumiVersion} for the engine test from the Go module proxy, once, into
  ${pulumiFolder}
Needs Go on the PATH. Builds nothing where PULUMI_COMMAND or the PATH has a Pulumi.
Ends with 0 when there is one, with 1 when it cannot be built.
`;

const go = 'github.com/pulumi/pulumi';
const command = `${go}/pkg/v3/cmd/pulumi`;

/**
 * Pulumi's own module replaces others by folders beside it, so it is built as what another module
 * needs.
 */
const goModule = `module activation-hub/pulumi-for-tests\n\ngo 1.26.6\n\nrequire ${go}/pkg/v3 v${pulumiVersion}\n\ntool ${command}\n`;

function build(): void {
  mkdirSync(pulumiFolder, { recursive: true });
  const folder = mkdtempSync(join(pulumiFolder, 'build-'));
  try {
    writeFileSync(join(folder, 'go.mod'), goModule);
    runGo(folder, 'get', `${command}@v${pulumiVersion}`);
    const version = `-X ${go}/sdk/v3/go/common/version.Version=v${pulumiVersion}`;
    runGo(folder, 'build', '-mod=mod', '-trimpath', '-ldflags', `-s -w ${version}`, '-o', 'pulumi', command);
    renameSync(join(folder, 'pulumi'), join(pulumiFolder, 'pulumi'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function runGo(folder: string, ...args: string[]): void {
  const env = { ...process.env, GOTOOLCHAIN: 'local', GOFLAGS: '' };
  const { status, error, signal } = spawnSync('go', args, {
    cwd: folder,
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
    timeout: buildMsMax,
  });
  if (status === 0) return;
  throw new Error(`\`go ${args[0] ?? ''}\` ended with ${error?.message ?? signal ?? String(status)}`);
}

function main(args: readonly string[]): number {
  if (args.includes('--help')) {
    process.stdout.write(help);
    return 0;
  }
  if (args.length > 0) {
    process.stderr.write(`${args.join(' ')} is not known.\n${help}`);
    return 2;
  }
  const found = findPulumi();
  if (found !== undefined) {
    process.stdout.write(`Pulumi is there: ${found}\n`);
    return 0;
  }
  if (onPath('go') === undefined) {
    process.stderr.write('Failed to build Pulumi: there is no Go on the PATH. Install Go 1.26.6 or newer.\n');
    return 1;
  }
  process.stdout.write(`Building Pulumi ${pulumiVersion} into ${pulumiFolder}; the first time takes minutes.\n`);
  try {
    build();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    process.stderr.write(`Failed to build Pulumi: ${why}. What it says above is the reason.\n`);
    return 1;
  }
  process.stdout.write(`Pulumi is there: ${join(pulumiFolder, 'pulumi')}\n`);
  return 0;
}

process.exitCode = main(process.argv.slice(2));
