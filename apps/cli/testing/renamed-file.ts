import { parseActivationFile } from '@activation-hub/activation-file';
import { z } from 'zod';

const anything = { settings: z.unknown(), options: z.unknown() };

/** An activation file in which `ads` was called `crm` before, and the audience `vip` `best`. */
export const renamedFileText = `version: 1
destinations:
  ads: { type: webhook, formerly: crm, settings: { url: "https://crm.example.com/" } }
  other: { type: webhook, settings: { url: "https://other.example.com/" } }
audiences: { vip: { id: 0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a09, activate: [{ destination: ads, identity: crmid }] } }
`;

/** The file, read. */
export const renamedFile = parseActivationFile(renamedFileText, {
  fileName: 'own.yaml',
  destinations: new Map([['webhook', anything]]),
});

/** A row of its route: rows keep the names that were first. */
export const renamedRow = {
  destination: 'crm',
  identity: { namespace: 'crmid', value: 'C-1' },
  audience: { namespace: 'ups', id: '0b1f7a52-6f1e-4a44-9a57-0e4c4f6d1a09' },
};
