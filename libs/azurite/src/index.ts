export { startAzurite, type Azurite, type AzuriteOptions } from './azurite.ts';
