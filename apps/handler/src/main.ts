import { readConfiguration } from './configuration.ts';
import { registerFunctions } from './functions.ts';
import { once } from './once.ts';

// Whatever is wrong with settings or activation file throws here, and the app does not start. The
// bundle is the entry point of the deployed folder, beside `host.json`.
const configuration = await readConfiguration(process.env, import.meta.dirname);
const openHub = once(async () => (await import('./hub.ts')).createHub(configuration));

registerFunctions(openHub);

// What the functions do is loaded while the host starts to listen, and after it has been told which
// functions there are. An invocation that comes earlier waits for it.
setImmediate(() => void openHub().catch(() => undefined)); // The first invocation tries again, and says what fails.
