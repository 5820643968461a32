import { z } from 'zod';

export const logSettings = z
  .strictObject({
    showIdentities: z
      .boolean()
      .default(false)
      .meta({
        description: 'Prints identities and attribute values in full. They are personal data: for local runs only.',
        examples: [true],
      }),
  })
  .prefault({});
