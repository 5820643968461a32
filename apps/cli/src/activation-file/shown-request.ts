import type { HttpRequest } from '@activation-hub/destination-kit';

export interface Shown {
  /** Addresses of a stand-in, and those that the file has in their place. */
  readonly addresses: readonly { readonly local: string; readonly own: string }[];
  /** Values that are not to be seen. */
  readonly secrets: readonly string[];
}

const secretText = '[secret]';
/** Headers and fields that are secrets, or are made out of them. */
const secretName = /authorization|signature|token|secret|api-?key|assertion|proof|password/i;

/**
 * A request as it would leave for the vendor, with `[secret]` for whatever is a secret or made out
 * of one: headers and fields of forms by their name, and the given values, as they are or encoded.
 */
export function shownRequest(request: HttpRequest, shown: Shown): HttpRequest {
  const headers = Object.entries(request.headers).map(([name, value]) => [
    name,
    secretName.test(name) ? secretText : readable(value, shown),
  ]);
  const isForm = Object.entries(request.headers).some(
    ([name, value]) => name.toLowerCase() === 'content-type' && value.includes('x-www-form-urlencoded'),
  );
  const body = request.body === undefined ? undefined : readable(request.body, shown);
  const { method, timeoutMs } = request;
  // Field by field: a client certificate, and whatever a request gets one day, is not to be seen.
  return {
    method,
    url: readable(request.url, shown),
    headers: Object.fromEntries(headers) as Record<string, string>,
    ...(body !== undefined && { body: isForm ? withoutSecretFields(body) : body }),
    ...(timeoutMs !== undefined && { timeoutMs }),
  };
}

function readable(text: string, { addresses, secrets }: Shown): string {
  const replacements = [
    // The longest first: one may begin with another.
    ...addresses
      .map(({ local, own }) => [local.replace(/\/$/, ''), own.replace(/\/$/, '')] as const)
      .sort(([left], [right]) => right.length - left.length),
    ...secrets.map((secret) => [secret, secretText] as const),
  ];
  return replacements.reduce(
    (shown, [from, to]) => shown.replaceAll(from, to).replaceAll(encodeURIComponent(from), encodeURIComponent(to)),
    text,
  );
}

function withoutSecretFields(form: string): string {
  return form
    .split('&')
    .map((field) => {
      const [name = ''] = field.split('=', 1);
      return secretName.test(decodeURIComponent(name)) ? `${name}=${secretText}` : field;
    })
    .join('&');
}
