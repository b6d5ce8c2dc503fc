import { Store } from '@/lib/store';
import type { Conversation, EventFrame, Message } from '@/protocol/types';
import { messageOf, withDeletion, withEdit } from './message-edits';

export interface ListState {
  phase: 'loading' | 'ready' | 'failed';
  byId: ReadonlyMap<string, Conversation>;
}

/** The server counts to 99; 100 means more. */
const mostCounted = 100;

/** The summaries of the conversations one is in. */
export class ConversationList {
  readonly state = new Store<ListState>({ phase: 'loading', byId: new Map() });

  constructor(private readonly me: string) {}

  get(id: string): Conversation | undefined {
    return this.state.get().byId.get(id);
  }

  /** All of them, as just read: what is not among them is gone. */
  replaceAll(items: readonly Conversation[]): void {
    this.state.set({ phase: 'ready', byId: new Map(items.map((item) => [item.id, item])) });
  }

  fail(): void {
    this.state.update((state) => (state.phase === 'loading' ? { ...state, phase: 'failed' } : state));
  }

  retry(): void {
    this.state.update((state) => (state.phase === 'failed' ? { ...state, phase: 'loading' } : state));
  }

  put(conversation: Conversation): void {
    this.state.update((state) => {
      const known = state.byId.get(conversation.id);
      // Not every answer has the members; those that were read stay.
      const members = conversation.members ?? known?.members;
      return {
        ...state,
        byId: new Map(state.byId).set(conversation.id, { ...conversation, ...(members ? { members } : {}) }),
      };
    });
  }

  patch(id: string, change: Partial<Conversation>): void {
    const known = this.get(id);
    if (!known) return;
    this.state.update((state) => ({ ...state, byId: new Map(state.byId).set(id, { ...known, ...change }) }));
  }

  remove(id: string): void {
    this.state.update((state) => {
      const byId = new Map(state.byId);
      byId.delete(id);
      return { ...state, byId };
    });
  }

  /** Moves a summary on by an event that it does not have yet. */
  apply(event: EventFrame): void {
    const known = this.get(event.conversation);
    if (!known || (known.epoch === event.epoch && known.rev >= event.rev)) return;
    const change: Partial<Conversation> = { epoch: event.epoch, rev: event.rev };
    const row = messageOf(event);
    if (row) {
      change.last_message = row;
      change.last_seq = Math.max(known.last_seq, event.seq);
    }
    switch (event.kind) {
      case 'message':
        if (event.actor === this.me) break;
        change.unread = Math.min(mostCounted, known.unread + 1);
        if (event.body.mentions?.includes(this.me)) change.mentions = Math.min(mostCounted, known.mentions + 1);
        break;
      case 'edited':
        Object.assign(
          change,
          lastChanged(known, event.target, (last) => withEdit(last, event.body, event.at)),
        );
        break;
      case 'deleted':
        Object.assign(change, lastChanged(known, event.target, withDeletion));
        break;
      case 'conversation_updated':
        if (event.title !== undefined) change.title = event.title;
        if (event.avatar !== undefined) change.avatar = event.avatar;
        break;
      case 'member_joined':
        change.member_count = known.member_count + 1;
        break;
      case 'member_left':
        change.member_count = Math.max(0, known.member_count - 1);
        break;
      case 'role_changed':
        if (event.user === this.me) change.my_role = event.role;
        break;
      default:
    }
    this.patch(event.conversation, change);
  }
}

function lastChanged(
  known: Conversation,
  target: number,
  change: (last: Message) => Message,
): Pick<Conversation, 'last_message'> | undefined {
  const last = known.last_message;
  return last?.seq === target ? { last_message: change(last) } : undefined;
}

function activity(conversation: Conversation): string {
  return conversation.last_message?.at ?? conversation.created_at;
}

/** Pinned first, then by latest activity. */
export function inOrder(byId: ReadonlyMap<string, Conversation>): Conversation[] {
  return [...byId.values()].sort(
    (a, b) => Number(b.pinned) - Number(a.pinned) || activity(b).localeCompare(activity(a)) || a.id.localeCompare(b.id),
  );
}
