import { z } from 'zod';

export const logSettings = z
  .strictObject({
    showIdentities: z
      .boolean()
      .default(false)
      .describe('Prints identities and attribute values in full. They are personal data: for local runs only.'),
  })
  .prefault({});
