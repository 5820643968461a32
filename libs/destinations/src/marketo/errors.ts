import { documentedErrors, type ListedErrors } from '@activation-hub/destination-kit';

const source = 'experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/error-codes';
const service = 'Check clientId and clientSecret of the custom service, and that baseUrl is of its subscription.';
const role =
  'Give the role of the API-only user the permissions that clientSecret names, and allow the addresses that call.';
const field =
  'Map attributes to fields by their REST API names, to none of the company, and look persons up by such as can.';
const folder = 'Check the setting folder and the name of the list.';
const partition = 'Let the API-only user into the partitions of the persons.';

/**
 * Every code of the page, as of August 2026: of HTTP, of a whole answer, and of one record of it.
 */
export const listedErrors: readonly ListedErrors[] = [
  { means: 'throttled', source, codes: '606 607 615' },
  { means: 'transient', source, codes: '500 502 604 608 611 614 713 719 1019' },
  { means: 'set-up', advice: service, source, codes: '601 602' },
  { means: 'set-up', advice: role, source, codes: '603' },
  { means: 'set-up', advice: 'Check baseUrl: it is the endpoint of REST.', source, codes: '605 610 612 613' },
  { means: 'set-up', advice: 'Ask Adobe what the subscription may use.', source, codes: '616 703 1018 1026' },
  { means: 'set-up', advice: folder, source, codes: '709 710 711 1014 1017' },
  { means: 'set-up', advice: 'Check the static list of the options.', source, codes: '1013' },
  { means: 'set-up', advice: field, source, codes: '1006 1011 1021' },
  { means: 'set-up', advice: partition, alsoOfOneRow: true, source, codes: '1008 1009 1010' },
  { means: 'invalid', source, codes: '413 414 609 701 704 712 714 718' },
  { means: 'not-found', source, codes: '702 1004 1015' },
  { means: 'rejected', source, codes: '1001 1002 1003 1005 1007 1012 1016 1020 1022 1025 1027 1028 1029 1035' },
  { means: 'rejected', source, codes: '1036 1037 1042 1048 1049 1076 1077 1078 1079' },
];

/** The identity endpoint says by its status that it does not know the custom service. */
export const marketoErrors = documentedErrors(
  [{ code: '401', means: 'set-up', advice: service, source }],
  listedErrors,
);
