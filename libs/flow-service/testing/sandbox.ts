import { AudienceStore, type AudienceSeed } from './audience-store.ts';
import { entityPage } from './entity-page.ts';
import { EntityStore, type StoredEntity, type StoreSettings } from './entity-store.ts';
import { FlowRuns, type ProfileCount } from './flow-runs.ts';
import { checkedFlow, stampSelectors } from './flow-rules.ts';
import { invalid, notFound } from './refusal.ts';

export interface SandboxSettings extends StoreSettings {
  readonly pageSizeMax: number;
  readonly filters: 'kept' | 'ignored';
  /**
   * Whether a lookup shows the values of a connection's secret parameters as stars, or leaves them
   * out.
   */
  readonly secretsShown: 'masked' | 'absent';
  readonly connectionSpecs: readonly Record<string, unknown>[];
  /** How the actions of dataflows are spelt. */
  readonly actionCase: 'lower' | 'upper';
}

/** What tests and people look at, and what they do that no API does. */
export interface SandboxView {
  /** With all that is stored, secret parameters included. */
  connections(): readonly StoredEntity[];
  sourceConnections(): readonly StoredEntity[];
  targetConnections(): readonly StoredEntity[];
  flows(): readonly StoredEntity[];
  addAudience(audience: AudienceSeed): void;
  /**
   * Profiles that the dataflow exported in the present hour; they show in the run of that hour once
   * it is over.
   */
  countProfiles(flowId: string, count: ProfileCount): void;
}

const collections = ['connections', 'sourceConnections', 'targetConnections', 'flows'] as const;
export type CollectionName = (typeof collections)[number];
export const isCollectionName = (name: string): name is CollectionName =>
  (collections as readonly string[]).includes(name);

/** Everything of one sandbox. */
export class Sandbox implements SandboxView {
  readonly audiences: AudienceStore;
  readonly #settings: SandboxSettings;
  readonly #stores: Readonly<Record<CollectionName, EntityStore>>;
  readonly #runs: FlowRuns;

  constructor(settings: SandboxSettings) {
    this.#settings = settings;
    this.audiences = new AudienceStore(settings.now);
    this.#runs = new FlowRuns(settings.now);
    this.#stores = {
      connections: new EntityStore('connections', settings),
      sourceConnections: new EntityStore('sourceConnections', settings),
      targetConnections: new EntityStore('targetConnections', settings),
      flows: new EntityStore('flows', settings),
    };
  }

  connections = () => this.#stores.connections.all();
  sourceConnections = () => this.#stores.sourceConnections.all();
  targetConnections = () => this.#stores.targetConnections.all();
  flows = () => this.#stores.flows.all();
  addAudience = (audience: AudienceSeed) => this.audiences.add(audience);
  countProfiles = (flowId: string, count: ProfileCount) => this.#runs.count(flowId, count);

  list(collection: CollectionName, query: URLSearchParams): Record<string, unknown> {
    const entities = this.#stores[collection].all().map((entity) => this.#shown(collection, entity));
    return entityPage(collection, entities, query, this.#settings);
  }

  lookUp(collection: CollectionName, id: string): Record<string, unknown> {
    return { items: [this.#shown(collection, this.#stores[collection].get(id))] };
  }

  create(collection: CollectionName, fields: Record<string, unknown>): { id: string; etag: string } {
    const { id, etag } = this.#stores[collection].create({ state: 'enabled', ...this.#checked(collection, fields) });
    if (collection === 'flows') this.#runs.setEnabled(id, true);
    return { id, etag };
  }

  patch(
    collection: CollectionName,
    id: string,
    ifMatch: string | undefined,
    operations: unknown,
  ): { id: string; etag: string } {
    const { etag } = this.#stores[collection].patch(id, ifMatch, operations, (after, before) => {
      const checked = this.#checked(collection, after);
      return collection === 'flows' ? stampSelectors(checked, before, this.#settings.now()) : checked;
    });
    return { id, etag };
  }

  /**
   * An entity that others use cannot be deleted: undocumented, and the stricter of the two guesses.
   */
  delete(collection: CollectionName, id: string): void {
    const uses = (entity: StoredEntity, field: string) => [entity[field]].flat().includes(id);
    const inUse = {
      connections: () =>
        [...this.sourceConnections(), ...this.targetConnections()].some((end) => uses(end, 'baseConnectionId')),
      sourceConnections: () => this.flows().some((flow) => uses(flow, 'sourceConnectionIds')),
      targetConnections: () => this.flows().some((flow) => uses(flow, 'targetConnectionIds')),
      flows: () => false,
    };
    this.#stores[collection].get(id);
    if (inUse[collection]()) throw invalid(`${collection} ${id} is in use`);
    this.#stores[collection].delete(id);
    if (collection === 'flows') this.#runs.setEnabled(id, false);
  }

  setState(flowId: string, action: string | null): { id: string; etag: string } {
    const flow = this.#stores.flows.get(flowId);
    const spelt = (word: string) => (this.#settings.actionCase === 'upper' ? word.toUpperCase() : word);
    const enabled = action === spelt('enable');
    if (!enabled && action !== spelt('disable')) throw invalid(`op ${action ?? ''} is not supported`);
    const state = enabled ? 'enabled' : 'disabled';
    const { id, etag } = flow.state === state ? flow : this.#stores.flows.update(flowId, { state });
    this.#runs.setEnabled(flowId, enabled);
    return { id, etag };
  }

  runs(query: URLSearchParams): Record<string, unknown> {
    const flowId = query
      .getAll('property')
      .find((filter) => filter.startsWith('flowId=='))
      ?.slice('flowId=='.length);
    if (flowId === undefined) throw invalid('Only runs of one dataflow are given: property=flowId==…');
    return entityPage('runs', this.#runs.list(flowId), query, this.#settings);
  }

  connectionSpec(id: string): Record<string, unknown> {
    const spec = this.#settings.connectionSpecs.find((known) => known.id === id);
    if (spec === undefined) throw notFound('connectionSpecs', id);
    return { items: [spec] };
  }

  /** Whether the connection has credentials at all: no request is sent. */
  testConnection(id: string): Record<string, unknown> {
    return { result: this.#stores.connections.get(id).auth !== undefined };
  }

  #checked(collection: CollectionName, fields: Record<string, unknown>): Record<string, unknown> {
    if (typeof fields.name !== 'string' || fields.name === '') throw invalid('name is missing');
    if (collection === 'flows') {
      return checkedFlow(fields, (end, id) => {
        if (!this.#stores[end].all().some((stored) => stored.id === id))
          throw invalid(`${end} not found with id = [${id}]`);
      });
    }
    const spec = fields.connectionSpec as { id?: string; version?: string } | undefined;
    if (spec?.version !== '1.0') throw invalid('connectionSpec.version is missing', 422);
    const known = this.#settings.connectionSpecs.find(({ id }) => id === spec.id);
    if (known === undefined) throw invalid(`connectionSpecs not found with id = [${spec.id ?? ''}]`);
    if (collection === 'connections') checkAuth(fields, known);
    else this.#checkEnd(collection, fields);
    return fields;
  }

  #checkEnd(collection: CollectionName, fields: Record<string, unknown>): void {
    const baseId = fields.baseConnectionId;
    const base = this.connections().find(({ id }) => id === baseId);
    if (base === undefined) throw invalid(`connections not found with id = [${String(baseId)}]`);
    const params = fields.params as { eventHubName?: unknown } | undefined;
    if (collection === 'targetConnections' && typeof params?.eventHubName !== 'string') {
      throw invalid('params.eventHubName is missing');
    }
  }

  #shown(collection: CollectionName, entity: StoredEntity): Record<string, unknown> {
    const shown: Record<string, unknown> = { ...entity, version: entity.etag };
    if (collection === 'connections') return withoutSecrets(shown, this.#settings.secretsShown);
    if (collection !== 'flows') return shown;
    const ends = (field: string, stored: readonly StoredEntity[]) =>
      (entity[field] as string[]).map((id) => {
        const end = stored.find((candidate) => candidate.id === id);
        return { id, connectionSpec: end?.connectionSpec, baseConnection: { id: end?.baseConnectionId } };
      });
    return {
      ...shown,
      inheritedAttributes: {
        properties: { isDestinationFlow: true },
        sourceConnections: ends('sourceConnectionIds', this.sourceConnections()),
        targetConnections: ends('targetConnectionIds', this.targetConnections()),
      },
      runs: `/runs?property=flowId==${entity.id}`,
    };
  }
}

function checkAuth(fields: Record<string, unknown>, spec: Record<string, unknown>): void {
  const known = (spec.authSpec ?? []) as { name: string; spec: { required: string[] } }[];
  if (known.length === 0) return;
  const auth = fields.auth as { specName?: string; params?: Record<string, unknown> } | undefined;
  const chosen = known.find(({ name }) => name === auth?.specName);
  if (chosen === undefined) throw invalid(`auth.specName ${auth?.specName ?? ''} is not known`);
  const missing = chosen.spec.required.filter((name) => typeof auth?.params?.[name] !== 'string');
  if (missing.length > 0) throw invalid(`auth.params.${missing.join(', ')} is missing`);
}

function withoutSecrets(shown: Record<string, unknown>, how: 'masked' | 'absent'): Record<string, unknown> {
  const auth = shown.auth as { params?: Record<string, unknown> } | undefined;
  if (auth?.params === undefined) return shown;
  const { sasKey, ...rest } = auth.params;
  const params = how === 'masked' && sasKey !== undefined ? { ...rest, sasKey: '******' } : rest;
  return { ...shown, auth: { ...auth, params } };
}
