import {
  type Delivery,
  errorForResponse,
  type HttpResponse,
  type ReasonGuard,
  type Verdict,
} from '@activation-hub/destination-kit';

/**
 * Judges the answer to a request that told of these changes. Any 2xx delivers all of them, unless
 * its body is JSON with an array `results`, which then decides change by change: an unknown id is
 * ignored, and a change on which it is silent, unclear or contradictory is tried again. Throws
 * `DestinationError` for every other status.
 */
export function judgeWebhookResponse(
  response: HttpResponse,
  deliveries: readonly Delivery[],
  guard: ReasonGuard,
  nowMs: number,
): Verdict[] {
  if (response.status < 200 || response.status > 299) throw errorForResponse(response, nowMs);
  const ids = deliveries.map(({ change }) => change.id);
  const results = readResults(response.body);
  if (results === undefined) return ids.map((id) => ({ id, status: 'delivered' }));

  const byId = new Map<string, Verdict | undefined>();
  for (const result of results) {
    if (!isRecord(result) || typeof result.id !== 'string') continue;
    const { id } = result;
    const verdict = readResult(id, result, guard);
    const earlier = byId.get(id);
    const contradicts = byId.has(id) && earlier?.status !== verdict?.status;
    byId.set(id, contradicts ? undefined : verdict);
  }
  return ids.map(
    (id) =>
      byId.get(id) ?? {
        id,
        status: 'retry',
        reason: byId.has(id) ? 'the answer about this change is unclear' : 'the answer does not name this change',
        doubt: 'answered',
      },
  );
}

function readResults(body: string): readonly unknown[] | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    // The contract allows any body: receivers answer "ok", HTML or nothing.
    return undefined;
  }
  return isRecord(parsed) && Array.isArray(parsed.results) ? parsed.results : undefined;
}

/** `undefined` for a status that the contract does not know. */
function readResult(id: string, result: Readonly<Record<string, unknown>>, guard: ReasonGuard): Verdict | undefined {
  switch (result.status) {
    case 'delivered':
      return { id, status: 'delivered' };
    case 'rejected':
      return { id, status: 'rejected', reason: guard(result.reason, 'rejected by the receiver') };
    case 'retry':
      return { id, status: 'retry', reason: guard(result.reason, 'the receiver asks to try again') };
    default:
      return undefined;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
