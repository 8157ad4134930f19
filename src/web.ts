/** The entry for browsers: pages and workers. What it needs of shaders is in the package; nothing is fetched. */
import './dispose.ts';
import { shaders } from '#shaders';
import { providePlatform } from './platform/platform.ts';
import { webPlatform } from './platform/platform.web.ts';
import { provideTuningStore } from './tuning/tuned.ts';
import { pageTuningStore } from './tuning/tuning.web.ts';

export * from './index.ts';
export * from './page.ts';

providePlatform(() => webPlatform(shaders));
const store = pageTuningStore(shaders);
if (store) provideTuningStore(store);
