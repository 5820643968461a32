import { dirname } from 'node:path';
import { compose } from './compose.ts';
import { registerHealth } from './health.ts';
import { registerOnAudienceEvents } from './on-audience-events.ts';
import { readSettings } from './settings.ts';

// Whatever is wrong with settings or activation file throws here, and the app does not start. The bundle is the entry
// point of the deployed folder, beside `host.json`.
const composition = compose(readSettings(process.env), dirname(__filename));

registerOnAudienceEvents(composition.openHub);
registerHealth(composition.checkHealth);
