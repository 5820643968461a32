import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { gauges, instruments, labels, metricName, spanAttributes, spans } from './index.ts';
import { telemetrySpecification } from './specification.ts';

test('docs/specs/telemetry.md is what the catalogue says; else run npm run reference', () => {
  const page = readFileSync(join(import.meta.dirname, '..', '..', '..', 'docs', 'specs', 'telemetry.md'), 'utf8');
  expect(page).toBe(telemetrySpecification());
});

test('the names of metrics are of one form, each there once, and each says what it measures', () => {
  const names = (Object.keys(instruments) as (keyof typeof instruments)[]).map((name) => metricName(name));
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(name).toMatch(/^(activation|messaging)(\.[a-z]+(_[a-z]+)*)+$/);
  for (const { meaning } of Object.values(instruments)) expect(meaning).toMatch(/^[A-Z].*\.$/);
});

test('every label and every attribute belongs to something', () => {
  const used = new Set(Object.values(instruments).flatMap((of) => of.labels as readonly string[]));
  expect([...used].sort()).toEqual(Object.keys(labels).sort());
  const said = new Set<string>(Object.values(spans).flatMap((span) => span.attributes));
  expect([...said].sort()).toEqual(Object.keys(spanAttributes).sort());
  expect(Object.keys(gauges)).toContain('circuit-state');
});
