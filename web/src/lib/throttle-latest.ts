import type { Clock } from './clock';

/** Calls `send` at once and then at most once an interval, always with the newest value of each key. */
export class ThrottleLatest<K, V> {
  readonly #waiting = new Map<K, V>();
  readonly #resting = new Map<K, () => void>();

  constructor(
    private readonly clock: Clock,
    private readonly intervalMs: number,
    private readonly send: (key: K, value: V) => void,
  ) {}

  push(key: K, value: V): void {
    if (this.#resting.has(key)) {
      this.#waiting.set(key, value);
      return;
    }
    this.#rest(key);
    this.send(key, value);
  }

  /** Says at once what waits. */
  flush(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const [key, value] of waiting) this.send(key, value);
  }

  stop(): void {
    for (const cancel of this.#resting.values()) cancel();
    this.#resting.clear();
    this.#waiting.clear();
  }

  #rest(key: K): void {
    this.#resting.set(
      key,
      this.clock.after(this.intervalMs, () => {
        this.#resting.delete(key);
        if (!this.#waiting.has(key)) return;
        const value = this.#waiting.get(key) as V;
        this.#waiting.delete(key);
        this.push(key, value);
      }),
    );
  }
}
