import { invalid, Refusal, type Reply } from './refusal.ts';
import { isCollectionName, type Sandbox } from './sandbox.ts';

export interface RoutedRequest {
  readonly method: string;
  readonly url: URL;
  readonly body: string;
  readonly ifMatch: string | undefined;
  readonly requestId: string;
  readonly patchAnswer: '200' | '202';
}

/**
 * Carries out a request to Flow Service or Segmentation Service. Throws a `Refusal` for what Adobe
 * would refuse.
 */
export function routeToSandbox(sandbox: Sandbox, request: RoutedRequest, pageSizeMax: number): Reply {
  const { pathname, searchParams } = request.url;
  const flowService = /^\/data\/foundation\/flowservice\/([a-zA-Z]+)(?:\/([^/]+))?(?:\/([a-z]+))?$/.exec(pathname);
  if (flowService !== null) {
    const [, collection = '', id, verb] = flowService;
    return routeToFlowService(sandbox, request, collection, id === undefined ? id : decodeURIComponent(id), verb);
  }
  const audiences = /^\/data\/core\/ups\/audiences(?:\/([^/]+))?$/.exec(pathname);
  if (audiences !== null) {
    const id = audiences[1];
    if (request.method === 'POST' && id === 'bulk-get') {
      return { status: 207, body: sandbox.audiences.bulkGet(parseBody(request.body), request.requestId) };
    }
    if (request.method === 'GET' && id !== undefined) {
      return { status: 200, body: sandbox.audiences.get(decodeURIComponent(id), request.requestId) };
    }
    if (request.method === 'GET') return { status: 200, body: sandbox.audiences.page(searchParams, pageSizeMax) };
  }
  throw new Refusal(404, { error_code: '404201', message: 'Resource not found' });
}

function routeToFlowService(
  sandbox: Sandbox,
  { method, url, body, ifMatch, patchAnswer }: RoutedRequest,
  collection: string,
  id: string | undefined,
  verb: string | undefined,
): Reply {
  const route = `${method} ${collection}${id === undefined ? '' : '/{id}'}${verb === undefined ? '' : `/${verb}`}`;
  const given = id ?? '';
  if (route === 'GET connectionSpecs/{id}') return { status: 200, body: sandbox.connectionSpec(given) };
  if (route === 'GET runs') return { status: 200, body: sandbox.runs(url.searchParams) };
  if (route === 'GET connections/{id}/test') return { status: 200, body: sandbox.testConnection(given) };
  if (route === 'POST flows/{id}/action')
    return { status: 200, body: sandbox.setState(given, url.searchParams.get('op')) };
  if (!isCollectionName(collection) || verb !== undefined) {
    throw new Refusal(404, { error_code: '404201', message: 'Resource not found' });
  }
  switch (`${method} ${id === undefined ? 'all' : 'one'}`) {
    case 'GET all':
      return { status: 200, body: sandbox.list(collection, url.searchParams) };
    case 'POST all':
      return { status: 201, body: sandbox.create(collection, parseBody(body)) };
    case 'GET one':
      return { status: 200, body: sandbox.lookUp(collection, given) };
    case 'PATCH one': {
      const written = sandbox.patch(collection, given, ifMatch, parseBody(body));
      return patchAnswer === '200' ? { status: 200, body: written } : { status: 202 };
    }
    case 'DELETE one':
      sandbox.delete(collection, given);
      return { status: 202 };
    default:
      throw new Refusal(405, { error_code: '405000', message: 'Method not allowed' });
  }
}

function parseBody(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    throw invalid('The body is not JSON');
  }
}
