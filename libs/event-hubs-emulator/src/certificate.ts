import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { isIPv4, isIPv6 } from 'node:net';

/** What a TLS server shows, and what its clients must trust. All three are PEM. */
export interface Certificates {
  /** The certificate of the server. */
  readonly certificate: string;
  /** Its private key. */
  readonly privateKey: string;
  /**
   * The authority that signed it: to be trusted by clients. Its own key is gone once the
   * certificate is made.
   */
  readonly authority: string;
}

const validForMs = 30 * 24 * 60 * 60 * 1000;
/** Clocks of clients may be behind by this much. */
const clockSkewMs = 60 * 60 * 1000;

/**
 * Makes a certificate for the host names and addresses, good for 30 days, and an authority for it
 * alone (X.509, RFC 5280; keys on the curve P-256). Two of them, because some TLS libraries refuse
 * an authority that shows itself as a server.
 */
export function makeCertificates(hosts: readonly string[], nowMs: number): Certificates {
  const authorityKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const serverKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const authorityName = 'Event Hubs emulator authority';
  const issue = { issuer: authorityName, signer: authorityKeys.privateKey, nowMs };
  return {
    authority: makeCertificate({
      ...issue,
      subject: authorityName,
      publicKey: authorityKeys.publicKey,
      extensions: [
        extension('2.5.29.19', sequence(boolean(true))), // basicConstraints: an authority
        extension('2.5.29.15', bitString(Buffer.from([0x06]), 1)), // keyUsage: signs certificates and revocations
      ],
    }),
    certificate: makeCertificate({
      ...issue,
      subject: 'Event Hubs emulator',
      publicKey: serverKeys.publicKey,
      extensions: [
        extension('2.5.29.15', bitString(Buffer.from([0x80]), 7)), // keyUsage: digital signature
        extension('2.5.29.37', sequence(objectIdentifier('1.3.6.1.5.5.7.3.1'))), // extendedKeyUsage: TLS server
        extension('2.5.29.17', sequence(...hosts.map(generalName))), // subjectAltName
      ],
    }),
    privateKey: serverKeys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

interface CertificateContent {
  readonly subject: string;
  readonly issuer: string;
  readonly publicKey: KeyObject;
  readonly signer: KeyObject;
  readonly nowMs: number;
  readonly extensions: readonly Buffer[];
}

function makeCertificate({ subject, issuer, publicKey, signer, nowMs, extensions }: CertificateContent): string {
  const algorithm = sequence(objectIdentifier('1.2.840.10045.4.3.2')); // ecdsa-with-SHA256
  const authorityKeyId = keyIdentifier(createPublicKey(signer));
  const content = sequence(
    tagged(0xa0, integer(Buffer.from([2]))), // version 3
    integer(Buffer.concat([Buffer.from([0x01]), randomBytes(8)])),
    algorithm,
    name(issuer),
    sequence(generalizedTime(nowMs - clockSkewMs), generalizedTime(nowMs + validForMs)),
    name(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(
      0xa3,
      sequence(
        ...extensions,
        extension('2.5.29.14', tagged(0x04, keyIdentifier(publicKey))), // subjectKeyIdentifier
        extension('2.5.29.35', sequence(tagged(0x80, authorityKeyId))), // authorityKeyIdentifier
      ),
    ),
  );
  const signature = sign('sha256', content, createPrivateKey(signer.export({ type: 'pkcs8', format: 'pem' })));
  const base64 = sequence(content, algorithm, bitString(signature, 0)).toString('base64');
  return `-----BEGIN CERTIFICATE-----\n${base64.replace(/.{64}(?=.)/g, '$&\n')}\n-----END CERTIFICATE-----\n`;
}

/**
 * Any name that is the same for the same key will do (RFC 5280, 4.2.1.2): the last bytes of the
 * point on the curve.
 */
function keyIdentifier(publicKey: KeyObject): Buffer {
  return publicKey.export({ type: 'spki', format: 'der' }).subarray(-20);
}

// The distinguished encoding rules (X.690), as far as a certificate needs them.

function tagged(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag, ...lengthBytes(content.length)]), content]);
}

/** The shortest form there is: Go refuses any other. */
function lengthBytes(length: number): number[] {
  if (length < 0x80) return [length];
  if (length < 0x100) return [0x81, length];
  return [0x82, length >> 8, length & 0xff];
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tagged(0x30, ...parts);
}

function integer(bytes: Buffer): Buffer {
  return tagged(0x02, bytes);
}

function boolean(value: boolean): Buffer {
  return tagged(0x01, Buffer.from([value ? 0xff : 0x00]));
}

function bitString(bytes: Buffer, unusedBits: number): Buffer {
  return tagged(0x03, Buffer.from([unusedBits]), bytes);
}

function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const septets = [arc & 0x7f];
    for (let high = arc >> 7; high > 0; high >>= 7) septets.unshift(0x80 | (high & 0x7f));
    bytes.push(...septets);
  }
  return tagged(0x06, Buffer.from(bytes));
}

function generalizedTime(timeMs: number): Buffer {
  const digits = new Date(timeMs).toISOString().replace(/\.\d+|[-:T]/g, '');
  return tagged(0x18, Buffer.from(digits, 'ascii'));
}

function name(commonName: string): Buffer {
  const attribute = sequence(objectIdentifier('2.5.4.3'), tagged(0x0c, Buffer.from(commonName, 'utf8')));
  return sequence(tagged(0x31, attribute));
}

function extension(identifier: string, value: Buffer): Buffer {
  return sequence(objectIdentifier(identifier), tagged(0x04, value));
}

function generalName(host: string): Buffer {
  if (isIPv4(host)) return tagged(0x87, Buffer.from(host.split('.').map(Number)));
  if (isIPv6(host)) return tagged(0x87, ipv6Bytes(host));
  return tagged(0x82, Buffer.from(host, 'ascii'));
}

function ipv6Bytes(address: string): Buffer {
  const [head = '', tail] = address.split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const last = tail === undefined ? [] : groups(tail);
  const zeros = Array<string>(8 - groups(head).length - last.length).fill('0');
  return Buffer.from([...groups(head), ...zeros, ...last].map((group) => group.padStart(4, '0')).join(''), 'hex');
}
