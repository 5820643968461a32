import { expect, test } from 'vitest';
import { startOf } from './command-path.ts';

const folder = String.raw`C:\Program Files\Microsoft SDKs\Azure\CLI2`;
const path = String.raw`C:\Windows;${folder}\wbin`;
const installed = new Set([`${folder}\\wbin\\az.cmd`, `${folder}\\python.exe`]);
const isThere = (file: string): boolean => installed.has(file);

test('on Windows az is started by the Python of its installation, without a shell', () => {
  expect(startOf('az', 'win32', path, isThere)).toEqual([`${folder}\\python.exe`, '-IBm', 'azure.cli']);
});

test('an az that is not installed, and every other command, is started by its name', () => {
  expect(startOf('az', 'win32', path, () => false)).toEqual(['az']);
  expect(startOf('gh', 'win32', path, isThere)).toEqual(['gh']);
  expect(startOf('az', 'linux', path, isThere)).toEqual(['az']);
});
