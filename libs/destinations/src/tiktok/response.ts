import { z } from 'zod';
import { type AnswerRules, codesIn } from '@activation-hub/destination-kit';
import { tiktokErrors } from './errors.ts';

/** Every answer has a code, which is 0 where TikTok did what the request says. */
export const envelope = z.object({ code: z.int() });

/**
 * TikTok answers 200 to nearly everything, and judges a request as a whole. Its `code` says more
 * than the status ("HTTP status codes"): 4xxxx is of the request, 5xxxx of the service. After a
 * limit of a minute it asks for five minutes ("Rate limits"), and says in no answer which limit it
 * was.
 */
export const tiktokAnswers: AnswerRules = {
  vendor: 'TikTok',
  errors: tiktokErrors,
  codesOf: (response) => codesIn(response, envelope, ({ code }) => (code === 0 ? [] : [String(code)])),
  undocumented: (code) => (code.startsWith('4') ? 'invalid' : 'transient'),
  throttledMs: 300_000,
};

const id = z.string().regex(/^\d+$/);
const audience = z
  .object({ audience_id: id, name: z.string(), is_expired: z.boolean().default(false) })
  .transform(({ audience_id: audienceId, is_expired: isExpired, name }) => ({ id: audienceId, name, isExpired }));

/** A page of audiences, and how many pages there are. */
export const audiencesSchema = z.object({
  data: z.object({ list: z.array(audience), page_info: z.object({ total_page: z.int().nonnegative() }) }),
});

/** The id of the audience that was created. */
export const createdSchema = z.object({ data: z.object({ audience_id: id }) });
