import { expect, test } from 'vitest';
import { capturedTerminal } from '../../testing/captured-terminal.ts';
import { report, reportFailure, reportToPerson } from './reporter.ts';

const sent = { event: 'sent', events: 2 };
const words = () => ['Sent 2 events.', { besides: 'None was empty.' }, '  to a hub'];

test('a person gets the words, and what is said besides on standard error', () => {
  const terminal = capturedTerminal();
  report(sent, words, {}, terminal);
  report(sent, () => 'One line.', {}, terminal);
  expect(terminal.printed).toEqual(['Sent 2 events.', '  to a hub', 'One line.']);
  expect(terminal.said).toEqual(['None was empty.']);
});

test('a machine gets the fact on one line, and no words are made', () => {
  const terminal = capturedTerminal();
  const made = (): never => {
    throw new Error('Failed to keep quiet: words were made for a machine.');
  };
  report(sent, made, { json: true }, terminal);
  reportToPerson('Almost done.', { json: true }, terminal);
  expect(terminal.printed).toEqual(['{"event":"sent","events":2}']);
  expect(terminal.said).toEqual([]);
});

test('what a person alone needs is printed without a fact', () => {
  const terminal = capturedTerminal();
  reportToPerson([{ besides: '10 rows' }], {}, terminal);
  expect(terminal.said).toEqual(['10 rows']);
});

test('a failure is a sentence or an object, and always on standard error', () => {
  const terminal = capturedTerminal();
  const failure = { message: 'Failed to send: the hub is gone.', exitCode: 1, sent: 3 } as const;
  reportFailure(failure, {}, terminal);
  reportFailure(failure, { json: true }, terminal);
  expect(terminal.printed).toEqual([]);
  expect(terminal.said).toEqual([
    'Failed to send: the hub is gone.',
    '{"event":"failed","message":"Failed to send: the hub is gone.","exitCode":1,"sent":3}',
  ]);
});
