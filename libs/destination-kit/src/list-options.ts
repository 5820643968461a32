import { z } from 'zod';

/**
 * The options of a route that names one list: by its name, which may be created, or by its id.
 * `what` is what the vendor calls it, `Id` the schema of an id, with an example in its metadata.
 */
export function listOptions<Id extends z.ZodType<string | number>>(what: string, id: Id) {
  return z
    .strictObject({
      list: z
        .string()
        .trim()
        .min(1)
        .max(255)
        .optional()
        .meta({ description: `Name of the ${what} that the members are in.`, examples: ['Sports Fans'] }),
      listId: id.optional().meta({ description: `Id of the ${what}, instead of its name.`, ...examplesOf(id) }),
      createList: z
        .boolean()
        .default(false)
        .meta({ description: `Creates the ${what} when there is none of this name.`, examples: [true] }),
    })
    .refine(({ list, listId }) => (list === undefined) !== (listId === undefined), 'Write either list or listId.')
    .refine(
      ({ listId, createList }) => listId === undefined || !createList,
      'A list by id cannot be created. Use list.',
    );
}

const examplesOf = (id: z.ZodType): object => {
  const examples = id.meta()?.examples;
  return examples === undefined ? {} : { examples };
};
