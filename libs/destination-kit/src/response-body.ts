import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, inflateRaw, zstdDecompress, type InputType } from 'node:zlib';

type Decoder = (bytes: InputType, options: { readonly maxOutputLength: number }) => Promise<Buffer>;

/**
 * By content coding (RFC 9110, section 8.4.1; RFC 9659 for zstd). What is called deflate comes with
 * and without a zlib header.
 */
const decoders: Readonly<Record<string, readonly Decoder[]>> = {
  gzip: [promisify(gunzip)],
  'x-gzip': [promisify(gunzip)],
  deflate: [promisify(inflate), promisify(inflateRaw)],
  br: [promisify(brotliDecompress)],
  zstd: [promisify(zstdDecompress)],
};

/** More codings than any server applies, one over the other. */
const codingsMax = 4;

/**
 * Decodes the body of an answer by its `Content-Encoding`. Servers and what stands before them
 * compress although that was declined, and some say so of a body that is not compressed: a body
 * that is not what its header says is given as it came. Gives `undefined` when the decoded body is
 * larger than `bytesMax`; never throws.
 */
export async function decodedBody(
  bytes: Buffer,
  contentEncoding: string | undefined,
  bytesMax: number,
): Promise<Buffer | undefined> {
  const codings = (contentEncoding ?? '').toLowerCase().split(',').slice(0, codingsMax);
  let body = bytes;
  // The coding that was applied last is undone first.
  for (const coding of codings.map((each) => each.trim()).reverse()) {
    const decoded = await decodedBy(Object.hasOwn(decoders, coding) ? decoders[coding] : undefined, body, bytesMax);
    if (decoded === 'too large') return undefined;
    if (decoded === 'not of this coding') return body;
    body = decoded;
  }
  return body;
}

async function decodedBy(
  candidates: readonly Decoder[] | undefined,
  bytes: Buffer,
  bytesMax: number,
): Promise<Buffer | 'too large' | 'not of this coding'> {
  for (const decode of candidates ?? []) {
    try {
      return await decode(bytes, { maxOutputLength: bytesMax });
    } catch (error) {
      // Any other error means that the bytes are not of this coding, which the next coding may be
      // able to read.
      if (error instanceof RangeError && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') return 'too large';
    }
  }
  return 'not of this coding';
}
