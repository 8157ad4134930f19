/** The browser of the tests: Debian's Chromium or what else is installed, with WebGPU on SwiftShader. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { serveSite } from '../../scripts/lib/web/serve.ts';
import type { Site } from '../../scripts/lib/web/site.ts';
import { buildSite } from '../../scripts/lib/web/site.ts';

/** A Chromium on this machine, or undefined. `DIFFWAVE_CHROMIUM` names one; `off` says there is none. */
export function findChromium(): string | undefined {
  const named = process.env.DIFFWAVE_CHROMIUM;
  if (named !== undefined) return named === 'off' ? undefined : named;
  const folders = (process.env.PATH ?? '').split(delimiter);
  const names = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => existsSync(path));
}

/** Where the page lies on its host: deep, so that an address that is not relative leads nowhere. */
const prefix = 'some/where/';

/** Milliseconds: a loaded machine with a software adapter is slow, and that is no fault. */
const patience = Number(process.env.DIFFWAVE_PATIENCE ?? 240) * 1000;

export interface Visit {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Everything that was fetched, and what went wrong. */
  readonly requests: string[];
  readonly faults: string[];
}

/** A browser, and the page on a server of its own. */
export class Visits {
  readonly address: string;
  readonly site: Site;
  readonly #browser: Browser;
  readonly #stop: () => void;

  private constructor(address: string, site: Site, browser: Browser, stop: () => void) {
    this.address = address;
    this.site = site;
    this.#browser = browser;
    this.#stop = stop;
  }

  /** `webGpu: false`: a browser as it comes, which has none on Linux. `flags` are more of Chromium's own. */
  static async begin({ webGpu = true, flags = [] }: { webGpu?: boolean; flags?: readonly string[] } = {}): Promise<Visits> {
    const { chromium } = await import('playwright-core');
    const site = await buildSite();
    const { server, address } = await serveSite(new Map([...site].map(([path, bytes]) => [prefix + path, bytes])), 0);
    const browser = await chromium.launch({
      executablePath: findChromium(), headless: true,
      args: ['--no-sandbox', '--disable-dev-shm-usage', ...(webGpu ? ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'] : []), ...flags],
    });
    return new Visits(`${address}${prefix}index.html`, site, browser, () => {
      server.closeAllConnections();
      server.close();
    });
  }

  /** A visitor who was never here. `workerPrelude` runs in the page's worker before its own script. */
  async visit({ workerPrelude }: { workerPrelude?: string } = {}): Promise<Visit> {
    const context = await this.#browser.newContext({ acceptDownloads: true });
    context.setDefaultTimeout(patience);
    const [requests, faults]: [string[], string[]] = [[], []];
    context.on('request', (request) => requests.push(request.url()));
    if (workerPrelude !== undefined) {
      await context.route('**/worker.js', async (route) => {
        const answer = await route.fetch();
        await route.fulfill({ response: answer, body: `${workerPrelude}\n${await answer.text()}` });
      });
    }
    const page = await this.comeTo(context, faults);
    return { page, context, requests, faults };
  }

  /** The page in a new tab of the same visitor. */
  async comeTo(context: BrowserContext, faults: string[] = []): Promise<Page> {
    const page = await context.newPage();
    page.on('pageerror', ({ message }) => faults.push(message));
    page.on('console', (message) => void (message.type() === 'error' && faults.push(message.text())));
    page.on('dialog', (dialog) => void dialog.accept());
    await page.goto(this.address);
    return page;
  }

  async end(): Promise<void> {
    await this.#browser.close();
    this.#stop();
  }
}

/** Types into a field by its label. */
export async function fill(page: Page, fields: Readonly<Record<string, string | number>>): Promise<void> {
  for (const [label, value] of Object.entries(fields)) await page.getByLabel(label, { exact: true }).fill(String(value));
}

/** What the button of that name downloads. */
export async function downloaded(page: Page, name: string): Promise<Uint8Array> {
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name }).click()]);
  const parts: Uint8Array[] = [];
  for await (const part of await download.createReadStream()) parts.push(part);
  return new Uint8Array(Buffer.concat(parts));
}

/** A network so small that a software adapter trains it in seconds. */
export async function chooseSmallNetwork(page: Page, { updates, keepEvery }: { updates: number; keepEvery: number }): Promise<void> {
  await page.getByText('Network and training').click();
  await fill(page, {
    'Layers': 2, 'Channels': 8, 'Samples of a crop': 256, 'Learning rate': 0.005, 'Updates in total': updates, 'Checkpoint every': keepEvery,
  });
}

export async function takeBundledMusic(page: Page): Promise<void> {
  const button = page.getByRole('button', { name: 'Take the bundled recordings' });
  await button.click();
  await button.click({ trial: true }); // waits until it is no longer disabled: the line of the music before is there all the time
  await page.getByText(/clips of 4 recordings, prepared/).waitFor();
}

/** Waits until so many updates are trained; what the page says instead of that is thrown at once. */
export async function trained(page: Page, updates: number): Promise<void> {
  const line = page.locator('#training > .row + .said');
  const text = `${updates} updates done and kept`;
  await line.and(page.locator('.bad')).or(line.filter({ hasText: text })).waitFor();
  const said = (await line.textContent())!;
  if (!said.includes(text)) throw new Error(`instead of "${text}": ${said}`);
}
