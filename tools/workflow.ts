import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { isCompanys, root } from './repository.ts';

/**
 * What our rules look at in a workflow of GitHub Actions (docs.github.com, "Workflow syntax for
 * GitHub Actions").
 */
export interface Workflow {
  /** Such as `deploy.yml`. */
  readonly name: string;
  readonly text: string;
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions: unknown;
  readonly shell: unknown;
  readonly jobs: readonly Job[];
}

export interface Job {
  /** Such as `deploy.yml/check`. */
  readonly id: string;
  readonly needs: readonly string[];
  readonly condition: string | undefined;
  readonly environment: string | undefined;
  readonly concurrency: { readonly group?: string; readonly 'cancel-in-progress'?: unknown; readonly queue?: unknown };
  readonly permissions: Readonly<Record<string, string>> | undefined;
  readonly runsOn: unknown;
  /** The machines of a job that runs on several. */
  readonly systems: readonly string[];
  readonly timeoutMinutes: unknown;
  readonly outputs: Readonly<Record<string, string>>;
  /** The workflow that it calls instead of having steps. */
  readonly calls: string | undefined;
  /** What it hands to that workflow. */
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly steps: readonly Step[];
}

export interface Step {
  readonly id?: string;
  readonly name?: string;
  readonly uses?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly run?: string;
}

const folder = join(root, '.github', 'workflows');

/** All but those that a company added to its copy. */
export function readWorkflows(): readonly Workflow[] {
  return readdirSync(folder)
    .filter((name) => !isCompanys(`.github/workflows/${name}`))
    .sort()
    .map((name) => parseWorkflow(name, readFileSync(join(folder, name), 'utf8')));
}

export function parseWorkflow(name: string, text: string): Workflow {
  const body = parse(text) as {
    readonly on: Readonly<Record<string, unknown>>;
    readonly permissions?: unknown;
    readonly defaults?: { readonly run?: { readonly shell?: unknown } };
    readonly jobs: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  };
  return {
    name,
    text,
    on: body.on,
    permissions: body.permissions,
    shell: body.defaults?.run?.shell,
    jobs: Object.entries(body.jobs).map(([key, job]) => readJob(`${name}/${key}`, job)),
  };
}

function readJob(id: string, job: Readonly<Record<string, unknown>>): Job {
  const { needs, environment, uses } = job;
  return {
    id,
    condition: typeof job.if === 'string' ? job.if : undefined,
    needs: needs === undefined ? [] : [needs].flat().map(String),
    environment: typeof environment === 'string' ? environment : undefined,
    concurrency: job.concurrency ?? {},
    permissions: job.permissions as Job['permissions'],
    runsOn: job['runs-on'],
    systems:
      (job.strategy as { readonly matrix?: { readonly system?: readonly string[] } } | undefined)?.matrix?.system ?? [],
    timeoutMinutes: job['timeout-minutes'],
    outputs: (job.outputs ?? {}) as Job['outputs'],
    calls: typeof uses === 'string' ? uses : undefined,
    inputs: (uses === undefined ? {} : (job.with ?? {})) as Job['inputs'],
    steps: (job.steps ?? []) as Job['steps'],
  };
}

/** The name of the action that a step uses, without its commit. */
export function actionOf({ uses = '' }: Step): string {
  return uses.split('@')[0] ?? '';
}
