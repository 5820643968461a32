import { expect, test } from 'vitest';
import { needShell, needShellIn } from './need-shell.ts';

test('a project leaves out its own files of tests alone, also where another has one of the same name', () => {
  expect(needShell).toContain('apps/cli/src/operate/canary.test.ts');
  expect(needShellIn('apps\\cli')).toContain('src/operate/canary.test.ts');
  expect(needShellIn('libs/activation-file')).toEqual([]);
  expect(needShellIn('infra')).toEqual(expect.arrayContaining(['aep-engine.test.ts', 'engine*.test.ts']));
});
