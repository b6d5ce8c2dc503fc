import type { Clock } from '@/lib/clock';
import { Store } from '@/lib/store';
import type { User } from '@/protocol/types';

/** The people that have been seen, by id. Unknown ones are asked for together. */
export class Directory {
  readonly users = new Store<ReadonlyMap<string, User>>(new Map());
  readonly #wanted = new Set<string>();
  readonly #asked = new Set<string>();
  #cancel: (() => void) | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly fetchUsers: (ids: string[]) => Promise<{ items: User[] }>,
  ) {}

  learn(users: readonly (User | undefined)[]): void {
    const known = this.users.get();
    const news = users.filter((user): user is User => user !== undefined && !sameUser(known.get(user.id), user));
    if (news.length === 0) return;
    this.users.set(new Map([...known, ...news.map((user) => [user.id, user] as const)]));
  }

  /** Sees to it that these are known soon. */
  need(ids: Iterable<string>): void {
    for (const id of ids) {
      if (!this.users.get().has(id) && !this.#asked.has(id)) this.#wanted.add(id);
    }
    if (this.#wanted.size > 0) this.#cancel ??= this.clock.after(30, () => void this.#ask());
  }

  async #ask(): Promise<void> {
    this.#cancel = undefined;
    const ids = [...this.#wanted].slice(0, 200);
    for (const id of ids) {
      this.#wanted.delete(id);
      this.#asked.add(id);
    }
    try {
      this.learn((await this.fetchUsers(ids)).items);
    } catch {
      for (const id of ids) this.#asked.delete(id);
    }
    this.need([]);
  }
}

function sameUser(a: User | undefined, b: User): boolean {
  return (
    a !== undefined &&
    a.username === b.username &&
    a.display_name === b.display_name &&
    a.avatar === b.avatar &&
    a.status_text === b.status_text &&
    a.last_seen === b.last_seen
  );
}
