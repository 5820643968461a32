import type { RegisteredFunction } from './trigger.ts';

/**
 * The HTTP functions of an app, matched by path and method as Azure does: without regard to case,
 * literals before parameters.
 */
export interface HttpRoutes {
  /**
   * `otherMethods` holds what the path would accept when the method does not fit; empty when no
   * route has this path.
   */
  match(method: string, path: string): { readonly found?: HttpMatch; readonly otherMethods: readonly string[] };
}

export interface HttpMatch {
  readonly registered: RegisteredFunction;
  readonly params: Readonly<Record<string, string>>;
}

interface Route {
  readonly registered: RegisteredFunction;
  readonly methods: readonly string[];
  readonly pattern: RegExp;
  readonly parameters: readonly string[];
  readonly rank: string;
}

/**
 * `routePrefix` comes from host.json, without slashes at its ends. A function without a route has
 * its name as route.
 */
export function httpRoutes(functions: readonly RegisteredFunction[], routePrefix: string): HttpRoutes {
  const routes = functions
    .map((registered) => compile(registered, routePrefix))
    .sort((a, b) => a.rank.localeCompare(b.rank));
  return {
    match(method, path) {
      const fitting = routes.flatMap((route) => {
        const match = route.pattern.exec(path);
        return match ? [{ route, match }] : [];
      });
      const chosen = fitting.find(({ route }) => route.methods.includes(method));
      if (!chosen) return { otherMethods: [...new Set(fitting.flatMap(({ route }) => route.methods))] };
      return {
        found: { registered: chosen.route.registered, params: paramsOf(chosen.route, chosen.match) },
        otherMethods: [],
      };
    },
  };
}

function compile(registered: RegisteredFunction, routePrefix: string): Route {
  const { route, methods } = registered.trigger;
  const template = typeof route === 'string' && route !== '' ? route : registered.name;
  const segments = `${routePrefix}/${template}`.split('/').filter((segment) => segment !== '');
  const parameters: string[] = [];
  const pattern = segments.map((segment) => compileSegment(segment, parameters)).join('');
  return {
    registered,
    methods: Array.isArray(methods) ? methods.map((method) => String(method).toUpperCase()) : ['GET', 'POST'],
    pattern: new RegExp(`^${pattern}/?$`, 'i'),
    parameters,
    rank: segments.map((segment) => (segment.startsWith('{*') ? '2' : segment.includes('{') ? '1' : '0')).join(''),
  };
}

const constraints: Readonly<Record<string, string>> = {
  int: '-?\\d+',
  long: '-?\\d+',
  bool: 'true|false',
  guid: '[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}',
  alpha: '[a-z]+',
};

/**
 * `{name}`, `{name?}`, `{name:int}`, `{name=default}` without the default, `{*rest}`, alone or
 * within text.
 */
function compileSegment(segment: string, parameters: string[]): string {
  const whole = /^\{(\*{0,2})(\w+)(?::(\w+)(?:\([^)]*\))?)?(\?)?\}$/.exec(segment);
  if (whole) {
    const [, star, name = '', constraint, optional] = whole;
    parameters.push(name);
    if (star) return '(?:/(.*))?';
    const value = `/(${constraints[constraint?.toLowerCase() ?? ''] ?? '[^/]+'})`;
    return optional ? `(?:${value})?` : value;
  }
  const parts = segment.split(/(\{\w+\})/).map((part) => {
    const parameter = /^\{(\w+)\}$/.exec(part)?.[1];
    if (parameter === undefined) return part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    parameters.push(parameter);
    return '([^/]+?)';
  });
  return `/${parts.join('')}`;
}

function paramsOf(route: Route, match: RegExpExecArray): Record<string, string> {
  const pairs = route.parameters.flatMap((name, index) => {
    const value = match[index + 1];
    return value === undefined || value === '' ? [] : [[name, decoded(value)] as const];
  });
  return Object.fromEntries(pairs);
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch (error) {
    if (error instanceof URIError) return value;
    throw error;
  }
}
