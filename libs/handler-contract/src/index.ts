export {
  secretPrefix,
  secretVariable,
  settingNames,
  type AppSettings,
  type SecretVariable,
  type SettingName,
} from './settings.ts';
export { checkpointContainer, dataStores } from './stores.ts';
export { triggers } from './triggers.ts';
