import { join } from 'node:path';

/** Where what the toolchains download and build is kept: outside of the repository. */
export interface Caches {
  readonly folder: string;
}

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** An SDK of Event Hubs, and how its program is made and run. */
export interface Sdk {
  readonly name: string;
  /** Where its program is; default is the folder of its name. */
  readonly folder?: string;
  readonly package: string;
  /** The command whose presence says that the toolchain is there. */
  readonly toolchain: Command;
  /** In the folder of the program. */
  prepare(caches: Caches): readonly Command[];
  run(caches: Caches): Command;
  /**
   * How much longer each answer takes, for an SDK that loses those that come at once. Default 0.
   */
  readonly networkDelayMs?: number;
}

const goEnv = ({ folder }: Caches) => ({
  GOCACHE: join(folder, 'go', 'build'),
  GOMODCACHE: join(folder, 'go', 'modules'),
});
const cargoEnv = ({ folder }: Caches) => ({ CARGO_TARGET_DIR: join(folder, 'rust') });

/** Both halves of the Python SDK have one environment. */
const python: Pick<Sdk, 'toolchain' | 'prepare'> = {
  toolchain: { program: 'python3', args: ['-m', 'venv', '--help'] },
  prepare: ({ folder }) => [
    { program: 'python3', args: ['-m', 'venv', join(folder, 'python')] },
    {
      program: join(folder, 'python', 'bin', 'pip'),
      args: ['install', '--quiet', '--disable-pip-version-check', '-r', 'requirements.txt'],
    },
  ],
};

export const sdks: readonly Sdk[] = [
  {
    name: 'javascript',
    package: '@azure/event-hubs 6.0.4',
    toolchain: { program: process.execPath, args: ['--version'] },
    prepare: () => [],
    run: () => ({ program: process.execPath, args: ['program.ts'] }),
  },
  {
    name: 'python',
    package: 'azure-eventhub 5.15.1',
    ...python,
    run: ({ folder }) => ({ program: join(folder, 'python', 'bin', 'python'), args: ['program.py'] }),
  },
  {
    name: 'python-aio',
    folder: 'python',
    package: 'azure-eventhub 5.15.1, aio',
    ...python,
    run: ({ folder }) => ({ program: join(folder, 'python', 'bin', 'python'), args: ['program_aio.py'] }),
  },
  {
    name: 'go',
    package: 'azeventhubs 2.0.2',
    toolchain: { program: 'go', args: ['version'] },
    prepare: (caches) => [
      { program: 'go', args: ['build', '-o', join(caches.folder, 'go', 'program'), '.'], env: goEnv(caches) },
    ],
    run: ({ folder }) => ({ program: join(folder, 'go', 'program'), args: [] }),
  },
  {
    name: 'java',
    package: 'azure-messaging-eventhubs 5.21.0',
    toolchain: { program: 'mvn', args: ['--version'] },
    prepare: ({ folder }) => [{ program: 'mvn', args: ['-q', '-B', 'package', `-Dbuild=${join(folder, 'java')}`] }],
    run: ({ folder }) => ({
      program: 'java',
      args: ['-cp', `${join(folder, 'java', 'classes')}:${join(folder, 'java', 'jars')}/*`, 'Program'],
    }),
  },
  {
    name: 'rust',
    package: 'azure_messaging_eventhubs 0.16.0',
    toolchain: { program: 'cargo', args: ['--version'] },
    prepare: (caches) => [{ program: 'cargo', args: ['build', '--quiet', '--locked'], env: cargoEnv(caches) }],
    run: ({ folder }) => ({ program: join(folder, 'rust', 'debug', 'foreign'), args: [] }),
    // fe2o3-amqp writes a transfer before it notes that an answer is due (`sender_link.rs`), so
    // that one which takes less than the time between waits for ever; and it ends its session
    // ("unattached-handle") when the detach of a link is answered within a millisecond, which some
    // of a hundred receivers met. No network is that fast; this machine is. On a machine that has
    // other work, three milliseconds were still too few for some of four hundred sends.
    networkDelayMs: 20,
  },
];
