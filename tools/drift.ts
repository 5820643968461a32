/** A step of `pulumi preview --refresh --json`, as far as it is read. */
interface Step {
  readonly op: string;
  readonly urn: string;
  readonly detailedDiff?: Readonly<Record<string, unknown>> | null;
}

/** A difference that Azure or the provider makes by itself, every night anew. */
interface Noise {
  readonly type: string;
  /** The paths that may differ, with what is inside of them. */
  readonly paths: readonly string[];
  readonly why: string;
}

/**
 * What is known to differ without anybody having changed anything. The issues name the resources;
 * of blob services the paths are a guess of ours: what Azure adds and the program does not set.
 */
const noise: readonly Noise[] = [
  {
    type: 'azure-native:storage:BlobServiceProperties',
    paths: ['cors', 'sku', 'name', 'type'],
    why: 'github.com/pulumi/pulumi-azure-native/issues/1700',
  },
  {
    type: 'azure-native:eventhub:Namespace',
    paths: ['privateEndpointConnections'],
    why: 'github.com/pulumi/pulumi-azure-native/issues/4145',
  },
];

/** What the engine does in every preview with a refresh, and what leaves a resource as it is. */
const quiet = ['same', 'refresh', 'read', 'read-replacement'];

/** A resource that is not as the program says. */
export interface Drift {
  readonly operation: string;
  readonly type: string;
  readonly name: string;
  /** The properties that differ; of one that is missing or superfluous, none. */
  readonly properties: readonly string[];
}

/**
 * What an `up` would change in an environment while the program is unchanged. Reads what `pulumi
 * preview --refresh --json` printed; names and paths only, never a value. Known noise is left out.
 * Throws when that is no preview, or one that failed.
 */
export function driftIn(preview: string): readonly Drift[] {
  let steps: readonly Step[] | undefined;
  try {
    ({ steps } = JSON.parse(preview) as { readonly steps?: readonly Step[] });
  } catch {
    // Without the cause: what could not be read may have values in it.
  }
  if (!Array.isArray(steps)) {
    throw new Error('Failed to look for drift: that is not what `pulumi preview --refresh --json` prints.');
  }
  return (steps as readonly Step[])
    .filter(({ op }) => !quiet.includes(op))
    .map(({ op, urn, detailedDiff }) => {
      const [type = '', name = ''] = urn.split('::').slice(-2);
      const own = type.split('$').at(-1) ?? type;
      return { operation: op, type: own, name, properties: Object.keys(detailedDiff ?? {}).toSorted() };
    })
    .filter(({ type }) => !type.startsWith('activation-hub:') && !type.startsWith('pulumi:'))
    .map((drift) => ({ ...drift, properties: drift.properties.filter((path) => !isNoise(drift.type, path)) }))
    .filter(({ operation, properties }) => operation !== 'update' || properties.length > 0);
}

function isNoise(type: string, path: string): boolean {
  return noise.some(
    (known) =>
      known.type === type &&
      known.paths.some((start) => path === start || (/^[.[]/.test(path.slice(start.length)) && path.startsWith(start))),
  );
}

const words: Readonly<Record<string, string>> = {
  create: 'is missing',
  delete: 'is there, and the program does not have it',
  update: 'differs',
};

/** The text of the issue; empty where nothing has drifted. */
export function driftText(environment: string, drift: readonly Drift[]): string {
  if (drift.length === 0) return '';
  const rows = drift.map(
    ({ operation, type, name, properties }) =>
      `| ${name} | ${type} | ${words[operation] ?? operation} | ${properties.map((path) => `\`${path}\``).join(', ')} |`,
  );
  return `${environment} is not what the program on main says. Somebody changed it by hand, or a commit waits for its deployment.

| resource | type | | properties |
| --- | --- | --- | --- |
${rows.join('\n')}

Look at the values with \`gh workflow run operate.yml -f action=preview -f environment=${environment}\`. What is right in Azure belongs into the
program or its configuration; what is wrong, the next deployment puts right. This issue is renewed every night, and closed when nothing differs.
`;
}
