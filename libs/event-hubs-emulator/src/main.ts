#!/usr/bin/env node
/** The emulator as a process of its own: `event-hubs-emulator --hub orders:4:reports`. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { readConfigFile } from './config-file.ts';
import { startEventHubsEmulator } from './emulator.ts';
import type { EventHubDefinition } from './event-hub.ts';

const usage = `Usage: event-hubs-emulator [options]

An Azure Event Hubs namespace on this machine, until Ctrl-C.

  --hub <name>[:<partitions>[:<group>,…]]  an Event Hub, 4 partitions unless told otherwise; may be repeated
  --config <file>      the Config.json of Microsoft's emulator instead
  --port <number>      AMQP, WebSockets and GET /health; default 5672, 0 for a free one
  --host <address>     where to listen; default 127.0.0.1. With 0.0.0.0, containers and other machines reach it
  --tls                take TLS on every port, and on 5671 (--tls-port)
  --tls-host <name>    a further name for which the certificate is good; may be repeated
  --health-port <n>    a second port for GET /health; Microsoft's emulator has 5300
  --key <key>          of the policy RootManageSharedAccessKey; default a random one. SAS_KEY_VALUE is Microsoft's
  --data <folder>      keep events over restarts
  --help
`;

const { values } = parseArgs({
  options: {
    hub: { type: 'string', multiple: true, default: [] },
    config: { type: 'string' },
    port: { type: 'string', default: '5672' },
    host: { type: 'string', default: '127.0.0.1' },
    tls: { type: 'boolean', default: false },
    'tls-port': { type: 'string', default: '5671' },
    'tls-host': { type: 'string', multiple: true, default: [] },
    'health-port': { type: 'string' },
    key: { type: 'string' },
    data: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

function portOf(text: string): number {
  if (!/^\d+$/.test(text) || Number(text) > 65_535) throw new RangeError(`"${text}" is not a port. Use 0 to 65535.`);
  return Number(text);
}

function hubOf(text: string): EventHubDefinition {
  const [name = '', partitions = '4', groups = ''] = text.split(':');
  return {
    name,
    partitionCount: Number(partitions),
    consumerGroups: groups.split(',').filter((group) => group !== ''),
  };
}

async function main(): Promise<void> {
  const hubs =
    values.config === undefined ? values.hub.map(hubOf) : readConfigFile(readFileSync(values.config, 'utf8'));
  if (hubs.length === 0) throw new RangeError('there is no Event Hub. Give --hub or --config.');
  const healthPort = values['health-port'];
  const emulator = await startEventHubsEmulator({
    port: portOf(values.port),
    host: values.host,
    eventHubs: hubs,
    ...(healthPort === undefined ? {} : { healthPort: portOf(healthPort) }),
    ...(values.tls ? { tls: { port: portOf(values['tls-port']), hosts: values['tls-host'] } } : {}),
    ...(values.data === undefined ? {} : { dataFolder: values.data }),
    keys: [
      {
        name: 'RootManageSharedAccessKey',
        rights: ['Manage'],
        ...(values.key === undefined ? {} : { primaryKey: values.key }),
      },
    ],
  });
  process.stdout.write(`${emulator.connectionString()}\n`);
  if (emulator.tls) {
    process.stdout.write(`${emulator.connectionString({ tls: true, host: 'localhost' })}\n`);
    process.stdout.write(`Trust ${emulator.tls.authorityFile}\n`);
  }
  if (!['127.0.0.1', 'localhost', '::1'].includes(values.host)) {
    process.stderr.write(`Warning: every client that reaches ${values.host} and has the key can use this emulator.\n`);
  }
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void emulator.stop());
}

if (values.help) process.stdout.write(usage);
else {
  await main().catch((error: unknown) => {
    process.stderr.write(`Failed to start: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 2;
  });
}
