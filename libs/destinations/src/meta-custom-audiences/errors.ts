import { documentedErrors } from '@activation-hub/destination-kit';
import { listedErrors } from './errors-listed.ts';

const marketing = 'developers.facebook.com/documentation/ads-commerce/marketing-api/error-reference';
const graph = 'developers.facebook.com/docs/graph-api/guides/error-handling';
const limits = 'developers.facebook.com/docs/graph-api/overview/rate-limiting';
const audiences = 'developers.facebook.com/docs/marketing-api/reference/custom-audience/users';
const guide = 'developers.facebook.com/documentation/ads-commerce/marketing-api/audiences/guides/custom-audiences';
const rudder = 'github.com/rudderlabs/rudder-transformer, src/v0/destinations/fb_custom_audience';

const permissions =
  'Check the permissions of the token, and that the ad account has accepted the terms of custom audiences.';
const newToken = 'Make a new access token.';

/**
 * Errors of the Graph API by their code, by `code/subcode`, or by a subcode that comes with several
 * codes: those with an explanation of our own, and the list of the Marketing API.
 */
export const metaErrors = documentedErrors(
  [
    // Those below zero are of Meta's own inside.
    { code: '-1', means: 'transient', source: marketing },
    { code: '1', means: 'transient', source: graph },
    { code: '2', means: 'transient', source: graph },
    { code: '3', means: 'set-up', advice: 'Give the app the capability to manage ads.', source: graph },
    { code: '4', means: 'throttled', source: limits },
    {
      code: '10',
      means: 'set-up',
      advice: 'Give the token the permission ads_management and its user the ad account.',
      source: graph,
    },
    { code: '17', means: 'throttled', source: limits },
    { code: '32', means: 'throttled', source: limits },
    { code: '100', means: 'invalid', source: marketing },
    {
      code: '100/33',
      means: 'set-up',
      advice: 'Check that the audience exists and that the user of the token may use it.',
      source: marketing,
    },
    { code: '102', means: 'set-up', advice: newToken, source: graph },
    {
      code: '104',
      means: 'set-up',
      advice: 'Set appSecret: the app demands the proof of its token.',
      source: marketing,
    },
    { code: '105', means: 'invalid', source: rudder },
    { code: '190', means: 'set-up', advice: newToken, source: marketing },
    // Subcodes of 102 and 190.
    {
      code: '458',
      means: 'set-up',
      advice: 'The user of the token has removed the app: let them take it in again, and make a new access token.',
      source: graph,
    },
    {
      code: '459',
      means: 'set-up',
      advice: 'The user of the token has to sign in at Facebook first, and confirm who they are.',
      source: graph,
    },
    { code: '460', means: 'set-up', advice: `The password of its user was changed. ${newToken}`, source: graph },
    { code: '463', means: 'set-up', advice: `It has expired. ${newToken}`, source: graph },
    {
      code: '464',
      means: 'set-up',
      advice: 'The user of the token has to sign in at Facebook first, and confirm who they are.',
      source: graph,
    },
    { code: '467', means: 'set-up', advice: newToken, source: graph },
    { code: '492', means: 'set-up', advice: 'Give the user of the token a role on the page.', source: graph },
    // The documents give the whole range from 200 to 299 to permissions.
    { code: '200', means: 'set-up', advice: permissions, source: graph },
    {
      code: '200/1870047',
      means: 'set-up',
      advice: 'So small an audience lets nobody out: let it grow, or delete it.',
      source: marketing,
    },
    {
      code: '200/1870050',
      means: 'set-up',
      advice: 'Link the ad account to the business portfolio of the audience.',
      source: guide,
    },
    {
      code: '200/1870090',
      means: 'set-up',
      advice: 'Accept the terms of custom audiences for the business of the ad account.',
      source: guide,
    },
    { code: '294', means: 'set-up', advice: 'Give the token the permission ads_management.', source: marketing },
    { code: '341', means: 'throttled', source: graph },
    {
      code: '368',
      means: 'set-up',
      advice: 'Meta blocks this user for a while: look into its business support.',
      source: graph,
    },
    // Of posts and links, which this connector does not make.
    {
      code: '506',
      means: 'set-up',
      advice: 'Look into the app: no request of this connector is about that.',
      source: graph,
    },
    { code: '613', means: 'throttled', source: limits },
    {
      code: '803',
      means: 'set-up',
      advice: 'Check the ids of the ad account and of the audience.',
      source: 'github.com/mobolic/facebook-sdk/issues/315',
    },
    {
      code: '2635',
      means: 'set-up',
      advice: 'The version of the API has ended: leave apiVersion out, or name one that Meta still serves.',
      source: 'github.com/facebook/facebook-nodejs-business-sdk/issues/239',
    },
    {
      code: '1609005',
      means: 'set-up',
      advice: 'Look into the app: no request of this connector is about that.',
      source: graph,
    },
    { code: '2650', means: 'set-up', advice: 'Check that the audience can be updated.', source: audiences },
    { code: '2654', means: 'set-up', advice: 'Make a new audience, and name that one.', source: audiences },
    {
      code: '2655',
      means: 'set-up',
      advice: 'Accept the terms of custom audiences that Meta shows in the ads manager.',
      source: 'github.com/facebook/facebook-php-business-sdk/issues/43',
    },
    { code: '80000', means: 'throttled', source: limits },
    { code: '80001', means: 'throttled', source: limits },
    { code: '80002', means: 'throttled', source: limits },
    { code: '80003', means: 'throttled', source: limits },
    { code: '80004', means: 'throttled', source: limits },
    { code: '80005', means: 'throttled', source: limits },
    { code: '80006', means: 'throttled', source: limits },
    { code: '80008', means: 'throttled', source: limits },
    { code: '80009', means: 'throttled', source: limits },
    { code: '80014', means: 'throttled', source: limits },
    {
      code: '1487301',
      means: 'set-up',
      advice: 'Check that the audience is shared with the ad account.',
      source: rudder,
    },
    { code: '1487366', means: 'set-up', advice: 'The audience is deleted: name another one.', source: rudder },
    { code: '1713004', means: 'set-up', advice: 'The audience is too old: make a new one.', source: audiences },
    {
      code: '1713230',
      means: 'set-up',
      advice: 'Meta restricts the audience: resolve that in the audience manager.',
      source: 'developers.facebook.com/docs/marketing-api/reference/custom-audience, operation_status',
    },
  ],
  listedErrors,
);
