import { readFileSync } from 'node:fs';

/** What the engine did to one resource, or would do. */
export interface EngineChange {
  /** Such as `create`, `update`, `replace` or `delete`. */
  readonly operation: string;
  readonly type: string;
  readonly name: string;
  /** The paths of the inputs that differ, sorted; of an update or a replacement. */
  readonly properties: readonly string[];
}

export interface EngineEvents {
  /** What was or would be touched, by name; components and the stack itself are left out. */
  readonly changes: readonly EngineChange[];
  /** How many were left as they are. */
  readonly unchanged: number;
}

/** What is read of an event of the engine (sdk/go/common/apitype/events.go). */
interface EngineEvent {
  readonly resourcePreEvent?: {
    readonly metadata: {
      readonly op: string;
      readonly urn: string;
      readonly type: string;
      readonly detailedDiff?: Readonly<Record<string, unknown>> | null;
    };
  };
}

/** Reads the log that the engine has written with `--event-log`. */
export function readEvents(file: string): EngineEvents {
  const events = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as EngineEvent);
  const steps = events.flatMap(({ resourcePreEvent }) => (resourcePreEvent === undefined ? [] : [resourcePreEvent]));
  const resources = steps.map(({ metadata }) => metadata).filter(({ type }) => isResource(type));
  const changes = resources
    .filter(({ op }) => op !== 'same')
    .map(({ op, type, urn, detailedDiff }) => ({
      operation: op,
      type,
      name: urn.split('::').at(-1) ?? '',
      properties: Object.keys(detailedDiff ?? {}).toSorted(),
    }))
    .toSorted((one, other) => (one.name < other.name ? -1 : 1));
  return { changes, unchanged: resources.length - changes.length };
}

/** Components and providers live in the engine only. */
function isResource(type: string): boolean {
  return (
    !type.startsWith('activation-hub:') && !type.startsWith('pulumi:pulumi:') && !type.startsWith('pulumi:providers:')
  );
}
