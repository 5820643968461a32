export { exampleOf } from './example.ts';
export { managedIdentity } from './managed-identity.ts';
export {
  destinationPackage,
  DestinationPackageError,
  destinationTypes,
  howToInstall,
  loadDestination,
  loadDestinations,
  loadStoredForms,
  type ImportPackage,
} from './registry.ts';
export { setUpTarget, type SetUpOptions } from './set-up-target.ts';
