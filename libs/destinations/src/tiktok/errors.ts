import { documentedErrors, type ListedErrors, setUpErrors } from '@activation-hub/destination-kit';

const page = 'business-api.tiktok.com/portal/docs?id=1737172488964097';
/** Codes that the vendor's own library has, and the page has not. */
const library =
  'github.com/tiktok/tiktok-business-api-sdk, python_sdk/business_api_client/tiktok_business/tiktok_code.py';

const newToken = 'Let the advertiser authorize the app again, and store the new long-term access token.';
const permission = 'Give the app the permission Audience Management, and let the advertiser authorize it again.';
const notOurs = 'Look into the app: no request of this connector is about that.';
const wrongVersion = 'Leave apiVersion and baseUrl out, or name those that TikTok serves.';

/** "Return Codes" as of August 2026, and the codes of the vendor's library of February 2026. */
export const listedErrors: readonly ListedErrors[] = [
  { means: 'throttled', source: page, codes: '40016 40100 40132 40133' },
  { means: 'throttled', source: library, codes: '61000' },
  // 40050 refuses a repetition while the first is under way, 60001 is maintenance.
  { means: 'transient', source: page, codes: '40050 40201 40202 50000 50002 51305 60001' },
  {
    means: 'transient',
    source: library,
    codes: `51000 51001 51002 51003 51004 51005 51006 51007 51008 51009 51010 51011 51012 51014 51015 51016 51017 51018 51019 51020
      51030 51031 51032 51033 51034 51035 51036 51037 51038 51039 51040 51041 51042 51043 51044 51045 51046 51047 51048 51049
      51050 51051 51052 51053 51054 51055 51056 51057 51058 51059 51060 51061 51062 51063 51064 51065 51066 51067 51099
      52000 52001 52002 52003 52100 52101 52102 52103 52201 52202 52203 52204 53102 53103`,
  },
  { means: 'invalid', inPart: true, source: page, codes: '20001' },
  { means: 'invalid', source: page, codes: '40000 40002 40011 40700 41002' },
  { means: 'invalid', source: library, codes: '40012 40061 40062' },
  ...setUpErrors(page, {
    '40001 40117 40118 40119 40124 40125': permission,
    '40101 40102 40103 40104 40105 40106 40107 40108 40109 40110 40112 40113 40115 40116': newToken,
    40007: 'Check that the audience exists.',
    '40300 40301': 'Check advertiserId.',
    '40006 40008 40010 40051 41001': wrongVersion,
    '40009 40013 40014': 'Leave baseUrl out: the sandbox has no custom audiences.',
    41000: 'TikTok blocks the country from which the request comes: let it leave Azure elsewhere.',
    [`40052 40053 40065 40121 40122 40200 40502 40900 40901 40902 40903 40904 40905 40906 40907 40908 40909 40910 40911 40912
      40913 40914 40915`]: notOurs,
  }),
  ...setUpErrors(library, {
    '40003 40130 40131': permission,
    '40114 40120 40309 70001': newToken,
    40302: 'Check advertiserId.',
    40400: wrongVersion,
    '40063 40126 40127 40128 40129 40916 41013': notOurs,
  }),
];

/** Errors of TikTok by their `code`. */
export const tiktokErrors = documentedErrors([], listedErrors);
