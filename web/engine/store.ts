/**
 * What must survive a killed tab, in the origin's private file system. There is no rename there that every browser has, so a thing
 * has two files: the older one is overwritten, its content first, then its head with the content's hash and a number that rises. At
 * whichever moment the tab is killed, one of the two is whole, and the newest whole one counts.
 */
import { UserError, sha256 } from '../../src/web.ts';

const headBytes = 256;

interface Head {
  readonly number: number;
  readonly length: number;
  readonly sha256: string;
}

export class Store {
  readonly #name: string;
  #newest: { readonly file: 'a' | 'b'; readonly number: number } | undefined;
  #looked = false;
  /** Settles when what was asked for before is done: a file that is read while it is written would look broken. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(name: string) {
    this.#name = name;
  }

  /** The bytes that were written last and whole; undefined if there are none. */
  read(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return this.#inTurn(() => this.#read());
  }

  /** Resolves when the bytes are on the disk; what was there before is there until then. Throws a `UserError` if there is no room. */
  write(content: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.#inTurn(() => this.#write(content));
  }

  async #read(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const found = await Promise.all((['a', 'b'] as const).map(async (file) => ({ file, ...(await this.#whole(file)) })));
    const [best] = found.filter(({ head }) => head).sort((a, b) => b.head!.number - a.head!.number);
    this.#newest = best && { file: best.file, number: best.head!.number };
    this.#looked = true;
    return best?.content;
  }

  async #write(content: Uint8Array<ArrayBuffer>): Promise<void> {
    if (!this.#looked) await this.#read();
    const file = this.#newest?.file === 'a' ? 'b' : 'a';
    const number = (this.#newest?.number ?? 0) + 1;
    const head: Head = { number, length: content.length, sha256: await sha256(content) };
    const access = await this.#open(file, true);
    try {
      access.truncate(0);
      if (access.write(content, { at: headBytes }) < content.length) throw new DOMException('', 'QuotaExceededError');
      access.flush();
      access.write(new TextEncoder().encode(JSON.stringify(head).padEnd(headBytes)), { at: 0 });
      access.flush();
    } catch (error) {
      if ((error as Error).name !== 'QuotaExceededError') throw error;
      throw new UserError('this browser has no room left for what is to be kept: free some disk space, or download the run; what was kept before is still there');
    } finally {
      access.close();
    }
    this.#newest = { file, number };
  }

  clear(): Promise<void> {
    return this.#inTurn(() => this.#clear());
  }

  #inTurn<T>(body: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(body);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  async #clear(): Promise<void> {
    const folder = await navigator.storage.getDirectory();
    for (const file of ['a', 'b'] as const) await folder.removeEntry(this.#nameOf(file)).catch(() => undefined);
    this.#newest = undefined;
  }

  async #whole(file: 'a' | 'b'): Promise<{ head: Head; content: Uint8Array<ArrayBuffer> } | undefined> {
    const folder = await navigator.storage.getDirectory();
    const handle = await folder.getFileHandle(this.#nameOf(file)).catch(() => undefined);
    if (!handle) return undefined;
    const bytes = new Uint8Array(await (await handle.getFile()).arrayBuffer());
    const head = parsed(new TextDecoder().decode(bytes.subarray(0, headBytes)));
    const content = bytes.slice(headBytes);
    if (!head || head.length !== content.length || head.sha256 !== await sha256(content)) return undefined;
    return { head, content };
  }

  async #open(file: 'a' | 'b', create: boolean): Promise<FileSystemSyncAccessHandle> {
    const folder = await navigator.storage.getDirectory();
    const handle = await folder.getFileHandle(this.#nameOf(file), { create });
    try {
      return await handle.createSyncAccessHandle();
    } catch (error) {
      if ((error as Error).name !== 'NoModificationAllowedError') throw error;
      throw new UserError('another tab of this browser is training here: close one of the two');
    }
  }

  #nameOf(file: 'a' | 'b'): string {
    return `${this.#name}.${file}`;
  }
}

function parsed(text: string): Head | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the tab was killed before it was written
  }
}
