import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readEvents, type EngineEvents } from './engine-events.ts';
import { makeWorkspace, writeConfiguration, type Workspace, type WorkspaceOptions } from './engine-workspace.ts';
import { OfflineAzure } from './offline-azure.ts';
import { findPulumi } from './pulumi-command.ts';

export interface EngineStackOptions extends WorkspaceOptions {
  /**
   * Configuration by key without the project's name, with values as in `Pulumi.<stack>.yaml`; the
   * engine adds defaults.
   */
  readonly configuration: Readonly<Record<string, unknown>>;
  /** Configuration that the engine encrypts, likewise. */
  readonly secrets?: Readonly<Record<string, string>>;
}

export interface EngineRun extends EngineEvents {
  /** Everything that the command said. */
  readonly words: string;
}

/** A run that the engine ended with an error. */
export class EngineFailure extends Error {
  override readonly name = 'EngineFailure';
}

/** No command takes longer, however busy the machine. */
const commandMsMax = 180_000;

/**
 * A stack in the real Pulumi engine, with nothing outside of a temporary folder: state in files,
 * secrets encrypted with a passphrase, Azure offline. The project is `infra/Pulumi.yaml` itself.
 * Dispose of it in the end.
 */
export class EngineStack {
  /** What exists in Azure. */
  readonly azure: OfflineAzure;
  readonly #pulumi: string;
  readonly #options: EngineStackOptions;
  readonly #workspace: Workspace;

  private constructor(pulumi: string, options: EngineStackOptions) {
    this.#pulumi = pulumi;
    this.#options = options;
    this.#workspace = makeWorkspace(pulumi, options);
    this.azure = new OfflineAzure(this.#workspace.azureFolder);
  }

  /** Makes an empty stack with a configuration; throws where there is no `pulumi`. */
  static async create(options: EngineStackOptions): Promise<EngineStack> {
    const pulumi = findPulumi();
    if (pulumi === undefined)
      throw new Error('Failed to make a stack: there is no pulumi. Run testing/build-pulumi.ts.');
    const stack = new EngineStack(pulumi, options);
    try {
      await stack.#run('stack', 'init', options.stack);
      stack.configure(options.configuration);
      for (const [key, value] of Object.entries(options.secrets ?? {})) await stack.#setSecret(key, value);
    } catch (error) {
      stack.dispose();
      throw error;
    }
    return stack;
  }

  /** Sets configuration on top of what is there. */
  configure(configuration: Readonly<Record<string, unknown>>): void {
    writeConfiguration(this.#workspace, configuration);
  }

  /** Runs `pulumi config set` on the stack, as a person does. */
  async setByHand(...words: readonly string[]): Promise<void> {
    await this.#run('config', 'set', ...words, '--stack', this.#options.stack);
  }

  /** Takes a key out of the configuration, as a person does. */
  async removeByHand(key: string): Promise<void> {
    await this.#run('config', 'rm', key, '--stack', this.#options.stack);
  }

  preview(...options: readonly string[]): Promise<EngineRun> {
    return this.#operate('preview', ...options);
  }

  up(...options: readonly string[]): Promise<EngineRun> {
    return this.#operate('up', '--yes', '--skip-preview', ...options);
  }

  /** An `up` with its preview, as the pipeline runs it. The changes are those that were made. */
  change(...options: readonly string[]): Promise<EngineRun> {
    return this.#operate('up', '--yes', ...options);
  }

  /** Takes a lock away that a run has left, as a person does. */
  async cancel(): Promise<void> {
    await this.#run('cancel', '--stack', this.#options.stack, '--yes');
  }

  /** Where the engine keeps locks of the state. */
  get lockFolder(): string {
    return join(
      this.#workspace.stateFolder,
      '.pulumi',
      'locks',
      'organization',
      this.#workspace.project,
      this.#options.stack,
    );
  }

  refresh(...options: readonly string[]): Promise<EngineRun> {
    return this.#operate('refresh', '--yes', '--skip-preview', ...options);
  }

  destroy(...options: readonly string[]): Promise<EngineRun> {
    return this.#operate('destroy', '--yes', ...options);
  }

  /** The stack's outputs; secrets are `[secret]`. */
  async outputs(): Promise<Readonly<Record<string, unknown>>> {
    const words = await this.#run('stack', 'output', '--json', '--stack', this.#options.stack);
    return JSON.parse(words) as Record<string, unknown>;
  }

  /**
   * Every file in which the engine keeps what it knows, by path: the state, its copies, the
   * history, the configuration.
   */
  stateFiles(): ReadonlyMap<string, string> {
    const files = readdirSync(this.#workspace.stateFolder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    return new Map([...files, this.#workspace.configurationFile].map((file) => [file, readFileSync(file, 'utf8')]));
  }

  dispose(): void {
    rmSync(this.#workspace.folder, { recursive: true, force: true });
  }

  #setSecret(key: string, value: string): Promise<string> {
    const stack = ['--stack', this.#options.stack];
    return this.#run('config', 'set', '--secret', `${this.#workspace.project}:${key}`, value, ...stack);
  }

  async #operate(operation: string, ...options: readonly string[]): Promise<EngineRun> {
    const log = join(this.#workspace.folder, `${operation}-events`);
    rmSync(log, { force: true });
    const words = await this.#run(operation, '--stack', this.#options.stack, '--event-log', log, ...options);
    return { ...readEvents(log), words };
  }

  #run(...args: readonly string[]): Promise<string> {
    const { folder: cwd, variables } = this.#workspace;
    const options = { cwd, env: variables, timeout: commandMsMax, maxBuffer: 64 * 1024 * 1024 };
    return new Promise((resolve, reject) => {
      execFile(this.#pulumi, [...args, '--non-interactive'], options, (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new EngineFailure(`pulumi ${args[0] ?? ''} ended with an error:\n${stdout}\n${stderr}`));
      });
    });
  }
}
