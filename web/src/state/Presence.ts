import type { Clock } from '@/lib/clock';
import { Store } from '@/lib/store';
import type { ClientFrame, PresenceState } from '@/protocol/types';

export interface Presence {
  state: PresenceState;
  lastSeen?: string;
}

/** The protocol's most. */
const mostWatched = 200;

/** Who is there. Screens say whom they show; the union is watched. */
export class PresenceStore {
  readonly people = new Store<ReadonlyMap<string, Presence>>(new Map());
  readonly #watches = new Map<string, readonly string[]>();
  #cancel: (() => void) | undefined;
  #watched = '';

  constructor(
    private readonly clock: Clock,
    private readonly send: (frame: ClientFrame) => boolean,
  ) {}

  watch(screen: string, users: readonly string[]): () => void {
    this.#watches.set(screen, users);
    this.#soon();
    return () => {
      this.#watches.delete(screen);
      this.#soon();
    };
  }

  /** After a welcome: the server knows of no watch. */
  renew(): void {
    this.#watched = '';
    this.#tell();
  }

  receive(user: string, state: PresenceState, lastSeen: string | undefined): void {
    const presence: Presence = lastSeen === undefined ? { state } : { state, lastSeen };
    this.people.update((people) => new Map(people).set(user, presence));
  }

  #soon(): void {
    this.#cancel ??= this.clock.after(200, () => {
      this.#cancel = undefined;
      this.#tell();
    });
  }

  #tell(): void {
    // Later screens lie on top of earlier ones.
    const users = [...new Set([...this.#watches.values()].reverse().flat())].slice(0, mostWatched);
    const key = users.join();
    if (key === this.#watched) return;
    if (this.send({ type: 'presence.watch', users })) this.#watched = key;
  }
}
