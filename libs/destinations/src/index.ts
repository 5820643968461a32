export { exampleOf } from './example.ts';
export { managedIdentity } from './managed-identity.ts';
export {
  DestinationPackageError,
  destinationTypes,
  isDestinationPackage,
  loadDestination,
  loadDestinations,
  type ImportPackage,
} from './registry.ts';
export { setUpTarget, type SetUpOptions } from './set-up-target.ts';
