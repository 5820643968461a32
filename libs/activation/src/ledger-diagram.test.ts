import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { keep, settle, settledStates, type LedgerRecord, type LedgerRow } from '@activation-hub/membership';
import { exampleKey, exampleState } from '@activation-hub/membership/testing';
import { expect, test } from 'vitest';
import { planOpenRow, planRow, planTelling } from './plan-row.ts';

const key = exampleKey(1);
const nowMs = Date.UTC(2026, 5, 1);
const by = { holder: 'me', expiresAtMs: nowMs + 180_000 };
const noon = Date.UTC(2026, 0, 1, 12);

const deferred = { is: 'deferred', chainId: 'r1' } as const;
const rowStates: readonly LedgerRecord['rowState'][] = [
  ...settledStates.map((is) => ({ is })),
  deferred,
  { is: 'leased', holder: 'other', expiresAtMs: nowMs + 1 },
  { is: 'leased', holder: 'other', expiresAtMs: nowMs - 1 },
];
const states = ['realized', 'exited'].flatMap((status) =>
  [0, 1].flatMap((later) =>
    ['a', 'b'].map((content) =>
      exampleState({
        status: status as 'realized',
        content: status === 'exited' ? '' : content,
        qualifiedAtMs: noon + later,
      }),
    ),
  ),
);
/** A delivered row says what the destination took; a noted one that it never took anything. */
const deliveredBeside = ({ is }: LedgerRecord['rowState']) => [
  ...(is === 'delivered' ? [] : [undefined]),
  ...(is === 'noted' ? [] : states),
];
const rows = rowStates.flatMap((rowState) =>
  states.flatMap((known) =>
    deliveredBeside(rowState).map((delivered): LedgerRow => {
      const record: LedgerRecord = { known, rowState, attributes: {}, inDoubt: false };
      return { record: delivered === undefined ? record : { ...record, delivered }, version: 'v1' };
    }),
  ),
);

/** From which state of a row which other one follows, as `from --> to`; `[*]` is no row. */
function transitions(): ReadonlySet<string> {
  const found = new Set<string>();
  const add = (row: LedgerRow | undefined, plan: ReturnType<typeof planRow>): void => {
    const from = row?.record.rowState.is ?? '[*]';
    if ('write' in plan) found.add(`${from} --> ${plan.write.record.rowState.is}`);
    // While the circuit is open, what would be leased is left to a retry.
    if (plan.is === 'lease') found.add(`${from} --> deferred`);
  };
  for (const mode of ['live', 'paused', 'shadow', 'retired'] as const) {
    for (const cause of ['export', 'replay', { chainId: 'r1' }] as const) {
      const options = { mode, by, nowMs, cause };
      for (const row of [undefined, ...rows]) {
        for (const state of states) {
          const isMember = state.isMember && mode !== 'retired';
          const desired = { ...state, isMember, content: isMember ? state.content : '' };
          add(row, planRow(key, row, { state: desired, attributes: {} }, options));
        }
        if (row !== undefined) add(row, planOpenRow(key, row, options));
      }
    }
  }
  for (const row of rows) add(row, planTelling(key, row, { mode: 'live', by, nowMs, because: 'resync' }));
  for (const { record } of rows) {
    if (record.rowState.is !== 'leased') continue;
    for (const outcome of ['delivered', 'rejected', 'not-found', 'given-up', deferred] as const)
      found.add(`leased --> ${settle(record, outcome).rowState.is}`);
  }
  for (const { record } of rows) {
    if (record.rowState.is === 'leased') continue;
    const { rowState } = keep(record, { state: exampleState({ status: 'exited' }), attributes: {} });
    found.add(`${record.rowState.is} --> ${rowState.is}`);
  }
  // Of a row whose route is gone (`takeOpenRows`).
  for (const is of ['deferred', 'leased']) found.add(`${is} --> given-up`);
  return found;
}

test('the diagram of the ledger’s protocol has every step that the code makes from one state of a row to another, and no other', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/specs/ledger.md'), 'utf8');
  const [, diagram = ''] = /```mermaid\nstateDiagram-v2\n([^]*?)```/.exec(page) ?? [];
  const settled = [...(/state settled {([^}]*)}/.exec(diagram)?.[1] ?? '').matchAll(/\S+/g)].flat();
  expect(settled.map((each) => each.replace('_', '-'))).toEqual(settledStates);
  const drawn = [...diagram.matchAll(/^ *(\S+) --> (\S+): .+$/gm)].flatMap(([, from = '', to = '']) =>
    (from === 'settled' ? settled : [from]).map((each) => `${each} --> ${to}`.replaceAll('_', '-')),
  );
  // What leaves the state as it is need not be drawn; removals are tested with the sweep.
  const isMove = (arrow: string): boolean => new Set(arrow.split(' --> ')).size === 2 && !arrow.endsWith('[*]');
  expect([...new Set(drawn.filter(isMove))].toSorted()).toEqual([...transitions()].filter(isMove).toSorted());
});
