/* eslint-disable no-console -- it is a program of its own, and prints */
// A receiver of audience changes: Node and nothing else. It checks that Activation Hub has signed
// each request, and prints who entered or left which audience. Put what your system is to do where
// it prints. What is sent, and what each answer means: the README of libs/destinations/src/webhook
// in the repository of Activation Hub.
//
//   node --env-file=.env receiver.mjs
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';

const secret = process.env.ACTIVATION_SECRET_WEBHOOK_SIGNING_SECRET ?? '';
const port = Number(process.env.PORT ?? 3000);
if (secret === '') {
  console.error('Failed to start: ACTIVATION_SECRET_WEBHOOK_SIGNING_SECRET is not set. Start it with --env-file=.env.');
  process.exit(1);
}

const server = createServer(async (request, response) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  const body = Buffer.concat(parts);
  if (!isSigned(request.headers, body)) {
    response.writeHead(401).end();
    return;
  }
  for (const { change, audience, identity, attributes } of JSON.parse(body.toString()).data) {
    console.log(change, audience.key, identity.namespace, identity.value, attributes ?? {});
  }
  response.writeHead(204).end();
});
server.listen(port, '127.0.0.1', () => console.log(`Listening on http://127.0.0.1:${server.address().port}`));

/**
 * Standard Webhooks: HMAC-SHA256 of id, time and body; a request older than five minutes may be a
 * replay by an attacker.
 */
function isSigned(headers, body) {
  const { 'webhook-id': id, 'webhook-timestamp': seconds, 'webhook-signature': signatures = '' } = headers;
  if (!(Math.abs(Date.now() / 1000 - Number(seconds)) < 300)) return false;
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const expected = createHmac('sha256', key).update(`${id}.${seconds}.`).update(body).digest();
  return signatures.split(' ').some((signature) => {
    const given = Buffer.from(signature.replace(/^v1,/, ''), 'base64');
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
}
