import assert from 'node:assert/strict';
import { type CaseName, contractCases } from './contract-cases.ts';
import { type ContractSubject, withStage } from './contract-stage.ts';
import type { z } from 'zod';

/** A connector, and why some cases do not apply to it. */
export interface ContractOptions<Settings extends z.ZodType, Options extends z.ZodType> extends ContractSubject<
  Settings,
  Options
> {
  /** Cases that do not apply, each with the reason, in a sentence. */
  readonly leftOut?: Readonly<Partial<Record<CaseName, string>>>;
}

/** One case of the contract for one connector. */
export interface ContractCase {
  readonly name: CaseName;
  /** What the connector does, in the present tense. */
  readonly title: string;
  /** Why the case does not apply to this connector; `undefined` when it does. */
  readonly leftOut: string | undefined;
  /** Rejects when the connector breaks the contract in this case. */
  readonly run: () => Promise<void>;
}

/**
 * Gives the cases of the contract as plain functions. Throws when a case is left out without a
 * reason.
 */
export function destinationContract<Settings extends z.ZodType, Options extends z.ZodType>(
  options: ContractOptions<Settings, Options>,
): ContractCase[] {
  return (Object.keys(contractCases) as CaseName[]).map((name) => {
    const { title, run, timeoutMs } = contractCases[name];
    const leftOut = options.leftOut?.[name];
    if (leftOut !== undefined && leftOut.trim().length < 10) {
      throw new Error(`Failed to leave out the case ${name}: there is no reason. Write why it does not apply.`);
    }
    return { name, title, leftOut, run: () => withStage(options, timeoutMs, run) };
  });
}

/** What the suite needs of vitest's `test`. */
export type TestFunction = (name: string, run: () => Promise<void>) => void;

/**
 * Registers the contract as tests:
 * `describeDestinationContract(test, { definition, settings, options, startVendor })`. A case that
 * is left out is run too, and must fail: a reason that no longer holds does not stay.
 */
export function describeDestinationContract<Settings extends z.ZodType, Options extends z.ZodType>(
  test: TestFunction,
  options: ContractOptions<Settings, Options>,
): void {
  for (const { title, leftOut, run } of destinationContract(options)) {
    if (leftOut === undefined) test(title, run);
    else {
      test(`does not apply, because ${leftOut}: ${title}`, () =>
        assert.rejects(run, `the connector ${title}: do not leave this case out`));
    }
  }
}
