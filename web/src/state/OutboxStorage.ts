import type { OutboxEntry } from './Outbox';

/** Where unsent messages survive a reload. */
export interface OutboxStorage {
  all(): Promise<OutboxEntry[]>;
  put(entry: OutboxEntry): Promise<void>;
  remove(id: string): Promise<void>;
}

const name = 'elastic-chat';
const table = 'outbox';

/** In IndexedDB; in memory where the browser gives none (some private windows). */
export class IndexedOutboxStorage implements OutboxStorage {
  readonly #fallback = new Map<string, OutboxEntry>();
  #database: Promise<IDBDatabase | undefined> | undefined;

  async all(): Promise<OutboxEntry[]> {
    const stored = await this.#run<OutboxEntry[]>('readonly', (store) => store.getAll() as IDBRequest<OutboxEntry[]>);
    return stored ?? [...this.#fallback.values()];
  }

  async put(entry: OutboxEntry): Promise<void> {
    if ((await this.#run('readwrite', (store) => store.put(entry))) === undefined) this.#fallback.set(entry.id, entry);
  }

  async remove(id: string): Promise<void> {
    this.#fallback.delete(id);
    await this.#run('readwrite', (store) => store.delete(id));
  }

  async #run<T>(mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest<T>): Promise<T | undefined> {
    this.#database ??= open();
    const database = await this.#database;
    if (!database) return undefined;
    return new Promise((resolve, reject) => {
      const transaction = database.transaction(table, mode);
      const request = act(transaction.objectStore(table));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onerror = () => reject(transaction.error);
      transaction.onabort = () => reject(transaction.error);
    });
  }
}

function open(): Promise<IDBDatabase | undefined> {
  return new Promise((resolve) => {
    try {
      const request = indexedDB.open(name, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(table, { keyPath: 'id' });
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => resolve(undefined);
    } catch {
      resolve(undefined);
    }
  });
}
