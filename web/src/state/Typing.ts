import type { Clock } from '@/lib/clock';
import { Store } from '@/lib/store';
import type { ClientFrame } from '@/protocol/types';

const lapseMs = 6_000;
/** One's own typing is told again before it lapses. */
const repeatMs = 4_000;

/** Who types where. */
export class TypingStore {
  readonly typists = new Store<ReadonlyMap<string, readonly string[]>>(new Map());
  readonly #lapses = new Map<string, () => void>();
  readonly #told = new Map<string, number>();

  constructor(
    private readonly clock: Clock,
    private readonly send: (frame: ClientFrame) => boolean,
  ) {}

  receive(conversation: string, user: string, on: boolean): void {
    const key = `${conversation} ${user}`;
    this.#lapses.get(key)?.();
    this.#lapses.delete(key);
    if (on)
      this.#lapses.set(
        key,
        this.clock.after(lapseMs, () => this.receive(conversation, user, false)),
      );
    const users = this.typists.get().get(conversation) ?? [];
    if (users.includes(user) === on) return;
    const changed = on ? [...users, user] : users.filter((other) => other !== user);
    this.typists.update((typists) => new Map(typists).set(conversation, changed));
  }

  /** The person here typed, or stopped. */
  tell(conversation: string, on: boolean): void {
    const last = this.#told.get(conversation);
    if (on && last !== undefined && this.clock.now() - last < repeatMs) return;
    if (!on && last === undefined) return;
    if (on) this.#told.set(conversation, this.clock.now());
    else this.#told.delete(conversation);
    this.send({ type: 'typing', conversation, on });
  }
}
