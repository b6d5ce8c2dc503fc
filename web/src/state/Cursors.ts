import { Store } from '@/lib/store';
import type { Cursor } from '@/protocol/types';

export type Delivery = 'sent' | 'delivered' | 'read';
type Reached = { read: number; delivered: number };

/** How far each member of each conversation has come. Cursors only grow. */
export class CursorStore {
  readonly cursors = new Store<ReadonlyMap<string, ReadonlyMap<string, Reached>>>(new Map());

  receive(conversation: string, news: readonly { user: string; read?: number; delivered?: number }[]): void {
    const old = this.cursors.get().get(conversation);
    const changed = new Map(old);
    for (const { user, read = 0, delivered = 0 } of news) {
      const known = changed.get(user) ?? { read: 0, delivered: 0 };
      const reached = {
        read: Math.max(known.read, read),
        // Who has read it has it.
        delivered: Math.max(known.delivered, delivered, read),
      };
      if (!changed.has(user) || reached.read > known.read || reached.delivered > known.delivered) {
        changed.set(user, reached);
      }
    }
    this.cursors.update((cursors) => new Map(cursors).set(conversation, changed));
  }

  reset(conversation: string, items: readonly Cursor[]): void {
    const members = new Set(items.map((item) => item.user));
    const old = this.cursors.get().get(conversation);
    if (old) {
      const kept = new Map([...old].filter(([user]) => members.has(user)));
      this.cursors.update((cursors) => new Map(cursors).set(conversation, kept));
    }
    this.receive(conversation, items);
  }

  forget(conversation: string, user: string): void {
    const old = this.cursors.get().get(conversation);
    if (!old?.has(user)) return;
    const kept = new Map(old);
    kept.delete(user);
    this.cursors.update((cursors) => new Map(cursors).set(conversation, kept));
  }
}

/** A message has come as far as it has with everybody but its author. */
export function deliveryOf(seq: number, author: string, cursors: ReadonlyMap<string, Reached> | undefined): Delivery {
  const others = [...(cursors ?? [])].filter(([user]) => user !== author).map(([, reached]) => reached);
  if (others.length === 0) return 'sent';
  if (others.every((reached) => reached.read >= seq)) return 'read';
  return others.every((reached) => reached.delivered >= seq) ? 'delivered' : 'sent';
}
