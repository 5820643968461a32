export { destinationDefinitions } from './registry.ts';
export { type ConnectedTarget, setUpTarget, type SetUpOptions } from './set-up-target.ts';
