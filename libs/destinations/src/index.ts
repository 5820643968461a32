export { destinationDefinitions } from './registry.ts';
export { setUpTarget, type SetUpOptions } from './set-up-target.ts';
