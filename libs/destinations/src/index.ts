export { destinationDefinitions } from './registry.ts';
