import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { eventOf, fansId, openActivation, personExport, type PersonContent } from '../testing/index.ts';
import type { ReceivedEvent } from './index.ts';

const file = `
version: 1
destinations: { crm: { type: recording } }
audiences:
  sports-fans:
    id: ${fansId}
    activate: [{ destination: crm, identity: email, follow: ecid, attributes: { firstname: person.name.firstName } }]
`;

test('in one partition, who changes identities to and fro within one qualification is known as in the newest export, and leaves whole', async () => {
  const email = fc.constantFrom('a', 'b', 'c', undefined);
  const batches = fc.array(fc.array(email, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(batches, email, async (given, last) => {
      const { activate, crm } = openActivation({ file });
      let sequenceNumber = 0;
      const exported = (name: string | undefined, more: PersonContent = {}): ReceivedEvent => {
        sequenceNumber += 1;
        const identities = { ecid: ['e1'], ...(name === undefined ? {} : { email: [name] }) };
        return eventOf(personExport({ identities, ...more }), sequenceNumber);
      };
      for (const emails of given) {
        await activate(...emails.map((name) => exported(name)));
        expect([...crm.members.keys()]).toEqual(
          emails.slice(-1).flatMap((name) => (name === undefined ? [] : [`sports-fans ${name}`])),
        );
      }
      await activate(exported(last, { status: 'exited' }));
      expect([...crm.members.keys()]).toEqual([]);
    }),
    { numRuns: 300 },
  );
});
