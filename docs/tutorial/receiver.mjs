// A third party: takes audience changes on port 3000, checks their signature, and prints each.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';

const key = Buffer.from(process.env.ACTIVATION_SECRET_CRM_SIGNING_SECRET.replace('whsec_', ''), 'base64');

/** Standard Webhooks: `v1,` and the HMAC of id, time and body. */
function isSigned(headers, body) {
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
  const wanted = Buffer.from(`v1,${createHmac('sha256', key).update(signed).digest('base64')}`);
  const given = Buffer.from(headers['webhook-signature'] ?? '');
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

const server = createServer(async (request, response) => {
  const body = Buffer.concat(await request.toArray()).toString();
  if (!isSigned(request.headers, body)) return response.writeHead(401).end();
  for (const { change, audience, identity, attributes } of JSON.parse(body).data) {
    console.log(change, audience.key, identity.namespace, identity.value, JSON.stringify(attributes));
  }
  return response.writeHead(204).end();
});
server.listen(3000, () => console.log('A CRM takes audience changes at http://localhost:3000/audience-changes'));
