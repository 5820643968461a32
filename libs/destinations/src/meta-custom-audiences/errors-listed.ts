import type { ListedErrors } from '@activation-hub/destination-kit';

/**
 * The page of the Marketing API, "Error Codes", as it was in 2026; what it says of all codes below
 * zero stands under -1.
 */
const source = 'developers.facebook.com/documentation/ads-commerce/marketing-api/error-reference';

/** Every code of the page, with its subcode where it has one. */
export const listedErrors: readonly ListedErrors[] = [
  { means: 'transient', source, codes: '-1 1 1/99 5000 3910001' },
  { means: 'throttled', source, codes: '4 17' },
  { means: 'invalid', source, codes: '100' },
  {
    means: 'set-up',
    advice: 'Make a new access token.',
    source,
    codes: '102 104 190',
  },
  {
    means: 'set-up',
    advice: 'Check the permissions of the token and its user for the ad account.',
    source,
    codes: '10 100/33 200 294 2654/1713092 1815694',
  },
  {
    means: 'set-up',
    advice: 'Accept the terms of custom audiences and of business tools that Meta shows in the ads manager.',
    source,
    codes: '200/1870034 1870090 1870092',
  },
  {
    means: 'set-up',
    advice: 'Meta blocks this user or this account: look into its business support.',
    source,
    codes: '1404078 1404163 2708008 2859015',
  },
  {
    means: 'set-up',
    advice: 'Make a new audience, and name that one.',
    source,
    codes: '200/1870047 1870065 2654',
  },
  // Of ads, creatives, budgets and campaigns.
  {
    means: 'set-up',
    advice: 'Look into the ad account: no request of this connector is about that.',
    source,
    codes: `
      100/1487694 100/1752129 100/3858258 2606 2607 2615 1340029 1373054 1487007 1487033 1487056 1487472 1487566 1487678
      1487831 1487929 1487990 1815199 1815629 1870088 1870165 1870199 1870219 1870220 1885029 1885088 1885183 1885204
      1885272 1885557 1885621 1885650 2238055 2446149 2446307 2446173 2446289 2446347 2446383 2446394 2446509 2446580
      2446712 2446867 2446880 2490085 2490155 2490372 2490427 2490468 3858064 3858082 3858152 3867105`,
  },
];
