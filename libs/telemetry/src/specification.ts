import { catalogue } from './catalogue.ts';
import {
  counters,
  gauges,
  histograms,
  labels,
  metricName,
  type Instrument,
  type InstrumentName,
} from './instruments.ts';
import { spanAttributes, spans } from './spans.ts';

/** `docs/specs/telemetry.md`, as the catalogue has it. */
export function telemetrySpecification(): string {
  return `# Telemetry

What the product says about itself. This page is written from the catalogue in [\`libs/telemetry\`](../../libs/telemetry/README.md) by
\`npm run reference\`, and a test holds it to the code. How to look at it: [operating](../operating/telemetry.md).

Nothing here holds personal data or a secret: values are numbers, keys of the activation file, and words of the code.

## Log lines

Each is one line of JSON with \`signal\`, \`message\` and fields. Lines below \`ACTIVATION_LOG_LEVEL\` are not written, and of each signal a process
writes at most \`ACTIVATION_LOG_LINES_PER_MINUTE\`: a line after some that were left out has their number as \`leftOut\`. What a line counts is counted whether it is written or not, so
for numbers ask for metrics. Lines that come by the clock are written in any case; alerts ask for no others.

${table(
  ['signal', 'level', 'by the clock'],
  Object.entries<{ level: string; isByClock?: true }>(catalogue).map(([name, { level, isByClock }]) => [
    `\`${name}\``,
    level,
    isByClock === true ? 'yes' : '',
  ]),
)}

## Metrics

They go to OpenTelemetry where the settings name a receiver; counters are also at \`/health/details\`.

### Counters

${instrumentTable(counters)}

### Histograms

${instrumentTable(histograms)}

### Gauges

${instrumentTable(gauges)}

### Labels

${table(
  ['attribute', 'value'],
  Object.values(labels).map(({ attribute, meaning }) => [`\`${attribute}\``, meaning]),
)}

## Spans

A batch is a trace, and so is a retry. Stages are within them, in the order of [the journey](../../ARCHITECTURE.md#the-journey-of-one-event). What failed has the
status \`ERROR\` and \`error.type\`, a word of the code or the name of an error; there are no events and no exceptions.

${table(
  ['span', 'kind', 'what it is', 'attributes'],
  Object.entries(spans).map(([name, { kind, meaning, attributes }]) => [
    `\`${name}\``,
    kind,
    meaning,
    attributes.map((attribute) => `\`${attribute}\``).join(', '),
  ]),
)}

### Attributes

${table(
  ['attribute', 'value'],
  Object.entries(spanAttributes).map(([name, meaning]) => [`\`${name}\``, meaning]),
)}
`;
}

function instrumentTable(of: Readonly<Record<string, Instrument>>): string {
  return table(
    ['metric', 'unit', 'what it measures', 'attributes'],
    Object.entries(of).map(([name, { unit, meaning, labels: own }]) => [
      `\`${metricName(name as InstrumentName)}\``,
      `\`${unit}\``,
      meaning,
      own.map((label) => `\`${labels[label].attribute}\``).join(', '),
    ]),
  );
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`.replaceAll('|  |', '| |');
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
