import { describe, expect, test } from 'vitest';
import type { Control, ControlStore } from '../src/controls.ts';

/** A pause of `crm` with everything that a control can say. */
const full: Control = {
  action: 'pause',
  destination: 'crm',
  audience: 'vip',
  ledgerAudience: { namespace: 'ups', id: '0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a09' },
  atMs: Date.UTC(2026, 0, 31, 12),
  untilMs: Date.UTC(2026, 0, 31, 14),
  by: 'Zoë',
  reason: 'the CRM is migrated',
};

/**
 * What every store of controls promises, as tests. `open` gives an empty one, and a second door to
 * it when it is called with the first.
 */
export function describeControlsContract(name: string, open: (same?: ControlStore) => Promise<ControlStore>): void {
  const { signal } = new AbortController();

  describe(name, () => {
    test('where nothing was written there are no controls', async () => {
      expect(await (await open()).read(signal)).toEqual([]);
    });

    test('controls come back as they were written', async () => {
      const store = await open();
      const least: Control = { action: 'retry-now', atMs: 0, by: '', reason: '' };
      const shadow: Control = { ...full, audience: 'news', isShadow: true };
      const all = [full, shadow, least];
      expect(await store.edit(() => all, signal)).toEqual(all);
      expect(await store.read(signal)).toEqual(all);
      await store.edit((controls) => controls.slice(2), signal);
      expect(await store.read(signal)).toEqual([least]);
    });

    test('operators who write at the same time do not undo each other', async () => {
      const store = await open();
      const other = await open(store);
      const by = Array.from({ length: 6 }, (_, index) => `operator ${index}`);
      await Promise.all(
        by.map((each, index) =>
          (index % 2 === 0 ? store : other).edit((controls) => [...controls, { ...full, by: each }], signal),
        ),
      );
      expect((await store.read(signal)).map((control) => control.by).sort()).toEqual(by);
    });

    test('an aborted signal ends a call with its reason', async () => {
      const store = await open();
      const aborted = AbortSignal.abort(new Error('deadline'));
      await expect(store.read(aborted)).rejects.toThrow('deadline');
      await expect(store.edit((controls) => controls, aborted)).rejects.toThrow('deadline');
    });
  });
}
