import { expect, onTestFinished, test } from 'vitest';
import { configFields, setCommand } from './config-schema.ts';
import { EngineStack } from './testing/engine-stack.ts';
import { requirePulumi } from './testing/require-pulumi.ts';

/**
 * Starting the engine, the plugins and the program takes seconds, and much longer on a busy
 * machine.
 */
const timeout = 300_000;

/** The words of a command that an error says, without `pulumi config set`. */
function wordsOf(command: string): readonly string[] {
  const words = command.replace('pulumi config set ', '').matchAll(/'([^']*)'|(\S+)/g);
  return [...words].map(([, quoted, bare]) => quoted ?? bare ?? '');
}

test(
  'what an error says to write is what the engine takes: texts, numbers, flags, lists, mappings',
  { timeout },
  async (context) => {
    requirePulumi(context);
    const stack = await EngineStack.create({ stack: 'dev', configuration: { location: 'westeurope' } });
    onTestFinished(() => stack.dispose());
    const keys = [
      'partitionCount',
      'archive',
      'privateNetwork',
      'adobeEgressRanges',
      'alertEmails',
      'tags',
      'alertActionGroups',
    ];
    for (const key of keys) {
      const field = configFields[key as keyof typeof configFields];
      await stack.setByHand(...wordsOf(setCommand(key, field)));
    }
    await stack.setByHand('--path', 'tags.owner', 'data');
    expect((await stack.preview()).changes.length).toBeGreaterThan(40);
  },
);

test('control: a list as one text is refused by the engine', { timeout }, async (context) => {
  requirePulumi(context);
  const stack = await EngineStack.create({ stack: 'dev', configuration: { location: 'westeurope' } });
  onTestFinished(() => stack.dispose());
  await stack.setByHand('alertEmails', configFields.alertEmails.example);
  await expect(stack.preview()).rejects.toThrow(/alertEmails.* must be of type 'array<string>'/);
});
