import { createHash } from 'node:crypto';
import { stableUuid } from '../place.ts';

/**
 * What Azure Resource Manager makes of a template, as far as ours goes: parameters, variables,
 * copies, nested templates, and the functions below (learn.microsoft.com, "ARM template
 * functions"). What only Azure knows is told by text of the form `<property>:<id>`. Functions that
 * make names out of hashes give other hashes than Azure's, of the same form.
 */
export interface DeployedResource {
  readonly type: string;
  readonly apiVersion: string;
  readonly id: string;
  /**
   * What the role assignment, or another extension, is on; the subscription or the resource group
   * where nothing is said.
   */
  readonly scope: string;
  readonly name: string;
  /** Everything else that is sent. */
  readonly body: Readonly<Record<string, unknown>>;
}

export interface Deployed {
  readonly resources: readonly DeployedResource[];
  readonly outputs: Readonly<Record<string, unknown>>;
}

type Json = Readonly<Record<string, unknown>>;

interface Template {
  readonly parameters: Readonly<Record<string, { readonly defaultValue?: unknown }>>;
  readonly variables: Json;
  readonly resources: readonly Json[];
  readonly outputs: Readonly<Record<string, { readonly value?: unknown; readonly copy?: Copy }>>;
}

interface Copy {
  readonly name?: string;
  readonly count: string;
  readonly input?: unknown;
}

interface Scope {
  readonly template: Template;
  readonly parameters: Json;
  /** `/subscriptions/…`, or that and a resource group. */
  readonly place: string;
  readonly nested: Map<string, Json>;
  readonly index?: number;
}

/**
 * The names by which a template's parts depend on each other: ids of resources, and names of
 * copies.
 */
const subscriptionOf = (place: string): string => place.split('/').slice(0, 3).join('/');

/**
 * Throws when a parameter is missing, a function is not known, or something depends on what is not
 * there.
 */
export function evaluateTemplate(template: Template, parameters: Json, place: string): Deployed {
  const given = Object.entries(template.parameters).map(([name, { defaultValue }]) => {
    const value = parameters[name] ?? defaultValue;
    if (value === undefined) throw new Error(`Failed to evaluate the template: the parameter ${name} is missing.`);
    return [name, value] as const;
  });
  const scope: Scope = { template, parameters: Object.fromEntries(given), place, nested: new Map() };

  const resources: DeployedResource[] = [];
  const known = new Set<string>();
  for (const resource of template.resources) {
    const copy = resource.copy as Copy | undefined;
    if (copy?.name !== undefined) known.add(copy.name);
    for (const one of copiesOf(scope, copy)) {
      const made = deploy(resource, one);
      known.add(made[0]?.id ?? '');
      resources.push(...made);
    }
    requireDependencies(valueOf(resource.dependsOn ?? [], scope) as readonly string[], known);
  }
  const outputs = Object.entries(template.outputs).map(([name, { value, copy }]) => [
    name,
    copy === undefined ? valueOf(value, scope) : copiesOf(scope, copy).map((one) => valueOf(copy.input, one)),
  ]);
  return { resources, outputs: Object.fromEntries(outputs) as Json };
}

function copiesOf(scope: Scope, copy: Copy | undefined): readonly Scope[] {
  if (copy === undefined) return [scope];
  return Array.from({ length: Number(valueOf(copy.count, scope)) }, (_, index) => ({ ...scope, index }));
}

function requireDependencies(dependencies: readonly string[], known: ReadonlySet<string>): void {
  const missing = dependencies.filter((dependency) => !known.has(dependency));
  if (missing.length > 0) throw new Error(`Failed to evaluate the template: nothing before is ${missing.join(', ')}.`);
}

/** The resource, and for a nested template what that makes. */
function deploy(resource: Json, scope: Scope): readonly DeployedResource[] {
  const { type, apiVersion, name, scope: on, resourceGroup, ...others } = resource;
  const rest = Object.fromEntries(Object.entries(others).filter(([key]) => key !== 'copy' && key !== 'dependsOn'));
  const evaluated = (value: unknown): string => String(valueOf(value, scope));
  const names = evaluated(name).split('/');
  const place = resourceGroup === undefined ? scope.place : `${scope.place}/resourceGroups/${evaluated(resourceGroup)}`;
  const base = on === undefined ? place : `${place}/providers/${evaluated(on)}`;
  const id = idOf(base, String(type), names);
  if (type !== 'Microsoft.Resources/deployments') {
    const body = valueOf(rest, scope) as Json;
    return [{ type: String(type), apiVersion: String(apiVersion), id, scope: base, name: names.at(-1) ?? '', body }];
  }
  const { parameters, template } = rest.properties as { readonly parameters: Json; readonly template: Template };
  const given = Object.entries(valueOf(parameters, scope) as Record<string, { readonly value: unknown }>);
  const inner = evaluateTemplate(template, Object.fromEntries(given.map(([key, { value }]) => [key, value])), place);
  const outputs = Object.entries(inner.outputs).map(([key, value]) => [key, { value }]);
  scope.nested.set(id, { outputs: Object.fromEntries(outputs) });
  return [
    { type, apiVersion: String(apiVersion), id, scope: base, name: names.join('/'), body: {} },
    ...inner.resources,
  ];
}

function idOf(base: string, type: string, names: readonly string[]): string {
  if (type === 'Microsoft.Resources/resourceGroups') return `${base}/resourceGroups/${names.join('/')}`;
  const [provider = '', ...types] = type.split('/');
  return `${base}/providers/${provider}/${types.map((part, index) => `${part}/${names[index] ?? ''}`).join('/')}`;
}

function valueOf(value: unknown, scope: Scope): unknown {
  if (typeof value === 'string') return value.startsWith('[') ? evaluate(value.slice(1, -1), scope) : value;
  if (Array.isArray(value)) return value.map((item) => valueOf(item, scope));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, valueOf(item, scope)]));
}

/**
 * Reads an expression from left to right: texts, numbers, calls, and what is taken out of them by
 * `.name` and `[…]`.
 */
function evaluate(expression: string, scope: Scope): unknown {
  const tokens = expression.match(/'(?:[^']|'')*'|[A-Za-z]\w*|\d+|[()[\].,]/g) ?? [];
  let at = 0;
  const take = (wanted?: string): string => {
    const token = tokens[at++];
    if (token === undefined || (wanted !== undefined && token !== wanted)) {
      throw new Error(`Failed to read the expression ${expression}: ${wanted ?? 'more'} is missing.`);
    }
    return token;
  };
  const read = (): unknown => {
    let value = readOne();
    for (;;) {
      if (tokens[at] === '.') {
        take('.');
        value = partOf(value, take());
      } else if (tokens[at] === '[') {
        take('[');
        value = partOf(value, read());
        take(']');
      } else return value;
    }
  };
  const readOne = (): unknown => {
    const token = take();
    if (token.startsWith("'")) return token.slice(1, -1).replaceAll("''", "'");
    if (/^\d/.test(token)) return Number(token);
    const values: unknown[] = [];
    take('(');
    while (tokens[at] !== ')') {
      values.push(read());
      if (tokens[at] === ',') take(',');
    }
    take(')');
    return call(token, values, scope);
  };
  const value = read();
  if (value instanceof Failure) throw new Error(`The deployment is refused: ${value.words}`);
  if (at !== tokens.length) throw new Error(`Failed to read the expression ${expression}: it goes on after its end.`);
  return value;
}

function partOf(value: unknown, key: unknown): unknown {
  if (value instanceof Unknown) return `${String(key)}:${value.id}`;
  const part = (value as Readonly<Record<string, unknown>>)[String(key)];
  if (part === undefined) throw new Error(`Failed to evaluate the template: there is no ${String(key)}.`);
  return part;
}

/**
 * What `fail` gives. It refuses the deployment where it is chosen: `if` evaluates only what it
 * chooses.
 */
class Failure {
  readonly words: string;
  constructor(words: string) {
    this.words = words;
  }
}

/** What Azure says of a resource. */
class Unknown {
  readonly id: string;
  constructor(id: string) {
    this.id = id;
  }
}

function call(name: string, values: readonly unknown[], scope: Scope): unknown {
  const texts = values.map(String);
  const [first = '', ...others] = texts;
  const subscription = subscriptionOf(scope.place);
  switch (name) {
    case 'parameters':
      return partOf(scope.parameters, first);
    case 'variables':
      return valueOf(partOf(scope.template.variables, first), scope);
    case 'copyIndex':
      return scope.index;
    case 'if':
      return values[0] === true ? values[1] : values[2];
    case 'startsWith':
      return first.toLowerCase().startsWith((texts[1] ?? '').toLowerCase());
    case 'fail':
      return new Failure(first);
    case 'length':
      return (values[0] as readonly unknown[]).length;
    case 'format':
      return first.replace(/\{\{|\}\}|\{(\d)\}/g, (found, index?: string) =>
        index === undefined ? found.slice(1) : (others[Number(index)] ?? ''),
      );
    case 'replace':
      return first.replaceAll(texts[1] ?? '', texts[2] ?? '');
    case 'take':
      return first.slice(0, Number(values[1]));
    case 'guid':
      return stableUuid(texts.join('-'));
    case 'uniqueString':
      return createHash('sha256').update(texts.join('-')).digest('hex').slice(0, 13);
    case 'subscription':
      return {
        id: subscription,
        subscriptionId: subscription.split('/')[2],
        tenantId: '22222222-0000-4000-8000-000000000000',
      };
    case 'deployment':
      return { location: 'westeurope' };
    case 'resourceId':
      return idOf(scope.place, first, others);
    case 'subscriptionResourceId':
      return idOf(subscription, first, others);
    case 'reference':
      return scope.nested.get(first) ?? new Unknown(first);
    default:
      throw new Error(`Failed to evaluate the template: the function ${name} is not known here.`);
  }
}
