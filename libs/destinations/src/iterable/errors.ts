import { documentedErrors, type ListedErrors, setUpErrors } from '@activation-hub/destination-kit';

const page = 'support.iterable.com/hc/en-us/articles/39629320560148-API-Response-Codes';
const ofRow = 'api.iterable.com/api/docs, lists_subscribe, failedUpdates';

const key = 'Make a server-side API key in this project and data centre, and store it.';

/** Every code of the page, as of August 2026. */
export const listedErrors: readonly ListedErrors[] = [
  { means: 'throttled', source: page, codes: 'RateLimitExceeded' },
  { means: 'transient', source: page, codes: 'Conflict DatabaseError GenericError QueueEmailError' },
  ...setUpErrors(page, {
    'BadApiKey BadAuthorizationHeader Unauthorized Forbidden': key,
    'ForbiddenParamsError InvalidJwtPayload JwtUserIdentifiersMismatched':
      'Use an API key of the kind server-side that asks for no JWT.',
    UniqueFieldsLimitExceeded: 'The project has as many fields as it may: map fewer attributes, or delete fields.',
    NotFound: 'Check baseUrl and the list of the options.',
  }),
  { means: 'invalid', source: page, codes: 'BadJsonBody BadParams BatchTooLarge RequestFieldsTypesMismatched' },
  {
    means: 'rejected',
    source: page,
    codes: 'EmailAlreadyExists ExternalKeyConflict InvalidEmailAddressError InvalidUserIdError UserIdAlreadyExists',
  },
  { means: 'not-found', source: page, codes: 'ForgottenUserError UnknownEmailError UnknownUserIdError' },
];

/**
 * Errors of Iterable: by the code of a whole answer, and by the array of `failedUpdates` that names
 * a user.
 */
export const iterableErrors = documentedErrors(
  [],
  [
    ...listedErrors,
    {
      means: 'rejected',
      source: ofRow,
      codes: 'invalidEmails invalidUserIds invalidDataEmails invalidDataUserIds conflictEmails conflictUserIds',
    },
    {
      means: 'not-found',
      source: ofRow,
      codes: 'forgottenEmails forgottenUserIds notFoundEmails notFoundUserIds',
    },
  ],
);
