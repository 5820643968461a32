import { compose } from './compose.ts';
import { registerExportLedger } from './export-ledger.ts';
import { registerHealth } from './health.ts';
import { registerOnAudienceEvents } from './on-audience-events.ts';
import { registerOnRetryDue, registerOnRetryPoisoned } from './on-retry-due.ts';
import { registerReportLag } from './report-lag.ts';
import { readSettings } from './settings.ts';
import { registerSweepLedger } from './sweep-ledger.ts';

// Whatever is wrong with settings or activation file throws here, and the app does not start. The bundle is the entry
// point of the deployed folder, beside `host.json`.
const composition = await compose(readSettings(process.env), import.meta.dirname);

registerOnAudienceEvents(composition.openActivation);
registerOnRetryDue(composition.openActivation);
registerOnRetryPoisoned(composition.openActivation);
registerSweepLedger(composition.openActivation);
registerExportLedger(composition);
registerReportLag(composition.lagSource, composition.telemetryFor);
registerHealth(composition.checkHealth);
