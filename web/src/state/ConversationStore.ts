import { Store } from '@/lib/store';
import type { EventFrame, Message, MessagePage } from '@/protocol/types';
import { messageOf, withDeletion, withEdit, withReaction } from './message-edits';

export interface Timeline {
  phase: 'empty' | 'loading' | 'ready' | 'failed';
  /** One unbroken stretch of the conversation, ascending by `seq`. */
  messages: readonly Message[];
  hasOlder: boolean;
  /** False: the stretch reaches the live end, and new messages are appended to it. */
  hasNewer: boolean;
  loadingOlder: boolean;
  loadingNewer: boolean;
  /** Older messages may be missing now: a backend is down. */
  degraded: boolean;
}

export interface Position {
  epoch: string;
  rev: number;
}

export type Applied = 'applied' | 'duplicate' | 'gap';
type PageRequest = { before: number } | { after: number } | { around: number } | Record<string, never>;
export type LoadPage = (position: PageRequest, limit?: number) => Promise<MessagePage>;

const empty: Timeline = {
  phase: 'empty',
  messages: [],
  hasOlder: false,
  hasNewer: false,
  loadingOlder: false,
  loadingNewer: false,
  degraded: false,
};
/**
 * The messages of one conversation. Events come in `rev` order but pages come when they come: what an event changed
 * while a page was under way is applied again on top of that page.
 */
export class ConversationStore {
  readonly timeline = new Store<Timeline>(empty);
  #position: Position | undefined;
  /** Changes of the loads: an answer to an outdated one is dropped. */
  #generation = 0;
  /** The last row before a hole. */
  #solidUntil: number | undefined;
  #pagesUnderWay = 0;
  #sincePageAsked: EventFrame[] = [];
  /** The newest event's seq for what it set: late older ones lose. Keys are `edit:seq` and `react:seq:emoji:user`. */
  readonly #settledBy = new Map<string, number>();

  constructor(
    private readonly me: string,
    private readonly loadPage: LoadPage,
  ) {}

  get position(): Position | undefined {
    return this.#position;
  }

  get loaded(): boolean {
    return this.timeline.get().phase === 'ready';
  }

  /** Takes a position from a conversation's summary. Says whether events were missed by it. */
  adopt(position: Position): 'same' | 'behind' | 'ahead' {
    const known = this.#position;
    if (known && known.epoch === position.epoch && known.rev >= position.rev) {
      return known.rev > position.rev ? 'ahead' : 'same';
    }
    this.#position = { epoch: position.epoch, rev: position.rev };
    return known ? 'behind' : 'same';
  }

  apply(event: EventFrame): Applied {
    const known = this.#position;
    if (known && known.epoch === event.epoch && event.rev <= known.rev) return 'duplicate';
    const gap = known !== undefined && (known.epoch !== event.epoch || event.rev > known.rev + 1);
    this.#position = { epoch: event.epoch, rev: event.rev };
    if (gap) this.#solidUntil ??= this.timeline.get().messages.at(-1)?.seq;
    if (this.#pagesUnderWay > 0) this.#sincePageAsked.push(event);
    this.#change(event);
    return gap ? 'gap' : 'applied';
  }

  /** Puts an acknowledged message of one's own in its place; its event brings the same again. */
  insert(message: Message): void {
    const timeline = this.timeline.get();
    if (timeline.phase !== 'ready' || timeline.hasNewer) return;
    this.timeline.set({ ...timeline, messages: merge(timeline.messages, [message]) });
  }

  /** Applies one's own acknowledged edit, deletion or reaction before its event comes. */
  change(event: EventFrame): void {
    if (this.#pagesUnderWay > 0) this.#sincePageAsked.push(event);
    this.#change(event);
  }

  /** Loads the stretch around `seq`, or the newest one. */
  async open(at?: { around: number; lastSeq: number }): Promise<void> {
    const generation = ++this.#generation;
    const before = this.timeline.get();
    if (before.phase !== 'ready') this.timeline.set({ ...empty, phase: 'loading' });
    try {
      const page = await this.#page(at ? { around: at.around } : {});
      if (generation !== this.#generation) return;
      const lastSeq = page.items.at(-1)?.seq ?? 0;
      this.timeline.set({
        ...empty,
        phase: 'ready',
        messages: page.items,
        hasOlder: page.has_more,
        hasNewer: at !== undefined && lastSeq < at.lastSeq,
        degraded: page.degraded ?? false,
      });
      this.#replay();
    } catch (error) {
      if (generation === this.#generation && before.phase !== 'ready') this.timeline.set({ ...empty, phase: 'failed' });
      else throw error;
    }
  }

  async loadOlder(): Promise<void> {
    const { phase, hasOlder, loadingOlder, messages } = this.timeline.get();
    const first = messages[0];
    if (phase !== 'ready' || !hasOlder || loadingOlder || !first) return;
    this.#patch({ loadingOlder: true });
    const generation = this.#generation;
    try {
      const page = await this.#page({ before: first.seq });
      if (generation !== this.#generation) return;
      this.#patch({
        loadingOlder: false,
        hasOlder: page.has_more,
        degraded: page.degraded ?? false,
        messages: merge(this.timeline.get().messages, page.items),
      });
      this.#replay();
    } catch {
      if (generation === this.#generation) this.#patch({ loadingOlder: false });
    }
  }

  async loadNewer(): Promise<void> {
    const { phase, hasNewer, loadingNewer, messages } = this.timeline.get();
    const last = messages.at(-1);
    if (phase !== 'ready' || !hasNewer || loadingNewer || !last) return;
    this.#patch({ loadingNewer: true });
    const generation = this.#generation;
    try {
      const page = await this.#page({ after: last.seq });
      if (generation !== this.#generation) return;
      this.#patch({
        loadingNewer: false,
        hasNewer: page.has_more,
        messages: merge(this.timeline.get().messages, page.items),
      });
      this.#replay();
    } catch {
      if (generation === this.#generation) this.#patch({ loadingNewer: false });
    }
  }

  /** After missed events: reads the newest page again and joins it to what is shown, or shows a shorter stretch. */
  async catchUp(): Promise<void> {
    const before = this.timeline.get();
    const first = before.messages[0];
    if (before.phase !== 'ready') return;
    if (!first) return this.open();
    const solid = this.#solidUntil ?? before.messages.at(-1)?.seq ?? 0;
    const generation = this.#generation;
    const page = await this.#page(before.hasNewer ? { after: first.seq - 1 } : {}, 100);
    if (generation !== this.#generation) return;
    this.#solidUntil = undefined;
    const start = page.items[0]?.seq ?? 0;
    const end = page.items.at(-1)?.seq ?? 0;
    const { messages } = this.timeline.get();
    if (before.hasNewer) {
      const kept = messages.filter((message) => message.seq > end);
      this.#patch({ messages: [...page.items, ...kept] });
    } else if (start <= solid || !page.has_more) {
      this.#patch({ messages: [...messages.filter((message) => message.seq < start), ...page.items] });
    } else {
      this.#patch({ messages: messages.filter((message) => message.seq <= solid), hasNewer: true });
    }
    this.#replay();
  }

  async #page(position: PageRequest, limit = 50): Promise<MessagePage> {
    this.#pagesUnderWay++;
    try {
      return await this.loadPage(position, limit);
    } finally {
      this.#pagesUnderWay--;
      // The caller goes on in the same turn of the event loop and replays; afterwards nobody needs them.
      if (this.#pagesUnderWay === 0) {
        const done = this.#sincePageAsked;
        queueMicrotask(() =>
          queueMicrotask(() => {
            if (this.#sincePageAsked === done && this.#pagesUnderWay === 0) this.#sincePageAsked = [];
          }),
        );
      }
    }
  }

  #replay(): void {
    for (const event of this.#sincePageAsked) this.#change(event, true);
  }

  #change(event: EventFrame, again = false): void {
    const timeline = this.timeline.get();
    if (timeline.phase !== 'ready') return;
    const added = messageOf(event);
    if (added) {
      const last = timeline.messages.at(-1)?.seq ?? 0;
      if (timeline.hasNewer && added.seq > last) return;
      if (again && timeline.messages.some((message) => message.seq === added.seq && message.client_msg_id)) return;
      this.timeline.set({ ...timeline, messages: merge(timeline.messages, [added]) });
      return;
    }
    switch (event.kind) {
      case 'edited':
        if (this.#isNewest(`edit:${event.target}`, event.seq, again)) {
          this.#replace(event.target, (message) => withEdit(message, event.body, event.at));
        }
        return;
      case 'deleted':
        this.#replace(event.target, withDeletion);
        return;
      case 'reaction_added':
      case 'reaction_removed': {
        const key = `react:${event.target}:${event.emoji}:${event.actor}`;
        if (!this.#isNewest(key, event.seq, again)) return;
        const on = event.kind === 'reaction_added';
        this.#replace(event.target, (message) => withReaction(message, event.emoji, event.actor, this.me, on));
        return;
      }
      default:
    }
  }

  #isNewest(key: string, seq: number, again: boolean): boolean {
    const newest = this.#settledBy.get(key) ?? 0;
    if (again ? newest > seq : newest >= seq) return false;
    this.#settledBy.set(key, seq);
    return true;
  }

  #replace(seq: number, change: (message: Message) => Message): void {
    const timeline = this.timeline.get();
    const at = timeline.messages.findIndex((message) => message.seq === seq);
    const old = timeline.messages[at];
    if (!old) return;
    const changed = change(old);
    if (changed !== old) this.#patch({ messages: timeline.messages.with(at, changed) });
  }

  #patch(change: Partial<Timeline>): void {
    this.timeline.update((timeline) => ({ ...timeline, ...change }));
  }
}

/** `news` win over what is there with the same seq, but a deleted message stays deleted. */
function merge(known: readonly Message[], news: readonly Message[]): readonly Message[] {
  if (news.length === 0) return known;
  const last = known.at(-1)?.seq ?? 0;
  const first = news[0];
  if (first && first.seq > last) return [...known, ...news];
  const bySeq = new Map(known.map((message) => [message.seq, message]));
  for (const message of news) {
    const old = bySeq.get(message.seq);
    if (!old) bySeq.set(message.seq, message);
    else if (!old.deleted) bySeq.set(message.seq, keepChanges(old, message));
  }
  return [...bySeq.values()].sort((a, b) => a.seq - b.seq);
}

/** An echo of the message as it was first sent must not undo what changed since. */
function keepChanges(old: Message, news: Message): Message {
  if (news.edited_at || news.deleted || !old.edited_at) {
    const reactions = news.reactions ?? old.reactions;
    return { ...news, ...(reactions && !news.deleted ? { reactions } : {}) };
  }
  return { ...news, body: old.body, edited_at: old.edited_at, ...(old.reactions ? { reactions: old.reactions } : {}) };
}
