import type { VendorRequest, VendorResponse } from '@activation-hub/destination-kit/testing';

/** One request inside a `$batch`, as the vendor reads it. */
export interface BatchPart {
  readonly method: string;
  readonly path: string;
  readonly headers: VendorRequest['headers'];
  readonly body: string;
}

/**
 * Reads a `$batch` line by line. Throws when it is not written exactly as the vendor's
 * documentation has it, CRLF included.
 */
export function readBatchRequest(text: string): readonly BatchPart[] {
  const [opening = ''] = text.split('\r\n', 1);
  if (!opening.startsWith('--batch_') || !text.endsWith(`\r\n${opening}--\r\n`)) throw new Error('Not a batch.');
  return text
    .slice(0, -`${opening}--\r\n`.length)
    .split(`${opening}\r\n`)
    .slice(1)
    .map((section) => {
      const [mime = '', http = '', ...body] = section.replace(/\r\n$/, '').split('\r\n\r\n');
      if (mime !== 'Content-Type: application/http\r\nContent-Transfer-Encoding: binary')
        throw new Error('Not a part.');
      const [line = '', ...lines] = http.split('\r\n');
      const [, method, path] = /^(GET|POST|PATCH|DELETE) (\S+) HTTP\/1\.1$/.exec(line) ?? [];
      if (method === undefined || path === undefined) throw new Error('Not a request.');
      const headers = lines.map((header): [string, string] => {
        const [name = '', ...value] = header.split(': ');
        return [name.toLowerCase(), value.join(': ')];
      });
      return { method, path, headers: Object.fromEntries(headers), body: body.join('\r\n\r\n') };
    });
}

/** Writes the answers under a boundary of the vendor's own. */
export function writeBatchAnswer(parts: readonly VendorResponse[]): VendorResponse {
  const boundary = 'batchresponse_7a8f3e0c-51c9-4b5f-9d6e-2f1f0c9a1b23';
  const sections = parts.map(({ status, headers, body = '' }) =>
    [
      `--${boundary}`,
      'Content-Type: application/http',
      'Content-Transfer-Encoding: binary',
      '',
      `HTTP/1.1 ${status} Status`,
      ...Object.entries(headers ?? {}).map(([name, value]) => `${name}: ${value}`),
      'OData-Version: 4.0',
      '',
      body,
    ].join('\r\n'),
  );
  return {
    status: 200,
    headers: { 'content-type': `multipart/mixed; boundary=${boundary}` },
    body: [...sections, `--${boundary}--`, ''].join('\r\n'),
  };
}
