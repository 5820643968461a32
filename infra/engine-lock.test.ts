import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { EngineStack } from './testing/engine-stack.ts';
import { requirePulumi } from './testing/require-pulumi.ts';

/** Starting the engine takes seconds, and much longer on a busy machine. */
const timeout = 300_000;

test('the lock of a runner that was killed is said, and taken away by cancel', { timeout }, async (context) => {
  requirePulumi(context);
  const stack = await EngineStack.create({ stack: 'dev', configuration: { location: 'westeurope' } });
  onTestFinished(() => stack.dispose());
  mkdirSync(stack.lockFolder, { recursive: true });
  const lock = { pid: 4711, username: 'runner', hostname: 'gone', timestamp: '2026-01-01T00:00:00Z' };
  writeFileSync(join(stack.lockFolder, 'a8f1.json'), JSON.stringify(lock));
  await expect(stack.refresh()).rejects.toThrow(/the stack is currently locked by 1 lock\(s\)/);
  await stack.cancel();
  await stack.refresh();
});
