import { type Clock, systemClock } from '@/lib/clock';
import { Emitter } from '@/lib/emitter';
import { Store } from '@/lib/store';
import type { Api } from '@/protocol/Api';
import { ChatSocket } from '@/protocol/ChatSocket';
import { openWebSocket } from '@/protocol/open-web-socket';
import type {
  Conversation,
  ErrorFrame,
  EventFrame,
  Limits,
  Me,
  Message,
  MessageBody,
  ServerFrame,
  Welcome,
} from '@/protocol/types';
import { tellAway } from './away';
import { ConversationList } from './ConversationList';
import { ConversationStore } from './ConversationStore';
import { CursorStore } from './Cursors';
import { Directory } from './Directory';
import { Drafts } from './Drafts';
import { Outbox, type OutboxEntry } from './Outbox';
import { IndexedOutboxStorage } from './OutboxStorage';
import { PresenceStore } from './Presence';
import { ReadMarks } from './ReadMarks';
import { TypingStore } from './Typing';
import { ifTabGone } from './tab-id';
import { Uploads } from './Uploads';

/** A hello has room for about this many positions; other conversations are read again. */
const mostResumed = 300;
/** The list is read after the welcome, when nothing can be missed; but people need not wait for a socket that fails. */
const listWithoutSocketMs = 1_500;

/** Everything of one signed-in person: the socket, the stores it feeds, and what the person can do. */
export class ChatSession {
  readonly socket: ChatSocket;
  readonly list: ConversationList;
  readonly directory: Directory;
  readonly presence: PresenceStore;
  readonly typing: TypingStore;
  readonly cursors = new CursorStore();
  readonly outbox: Outbox;
  readonly uploads: Uploads;
  readonly drafts: Drafts;
  readonly limits = new Store<Limits>({ attachments: 10, text_chars: 8000 });
  /** A message of somebody else, as it arrives. */
  readonly arrivals = new Emitter<{ conversation: Conversation; message: Message }>();
  readonly refusals = new Emitter<ErrorFrame>();
  /** Members or roles of a conversation changed. */
  readonly membersChanged = new Emitter<string>();
  readonly removed = new Emitter<string>();
  readonly #marks: ReadMarks;
  readonly #stores = new Map<string, ConversationStore>();
  #listing: Promise<void> | undefined;
  #listAgain = false;
  #sinceListAsked: EventFrame[] = [];
  #stops: (() => void)[] = [];

  constructor(
    readonly api: Api,
    readonly me: Me,
    tab: string,
    private readonly clock: Clock = systemClock,
  ) {
    this.socket = new ChatSocket({
      clock,
      random: Math.random,
      openWebSocket,
      token: () => api.tokens.token(),
      refreshToken: () => api.tokens.refresh(),
      deviceId: tab,
      resumePoints: () => this.#resumePoints(),
      isOnline: () => navigator.onLine,
    });
    const send = this.socket.send.bind(this.socket);
    this.list = new ConversationList(me.id);
    this.directory = new Directory(clock, (ids) => api.usersById(ids));
    this.presence = new PresenceStore(clock, send);
    this.typing = new TypingStore(clock, send);
    this.#marks = new ReadMarks(clock, send);
    this.uploads = new Uploads(api);
    this.drafts = new Drafts(me.id);
    this.outbox = new Outbox({
      user: me.id,
      tab,
      storage: new IndexedOutboxStorage(),
      clock,
      random: Math.random,
      send,
      ifTabGone,
    });
  }

  start(): void {
    const { socket, outbox, api } = this;
    const networkChanged = () => socket.networkChanged();
    window.addEventListener('online', networkChanged);
    window.addEventListener('offline', networkChanged);
    const flush = () => this.#marks.flush();
    window.addEventListener('pagehide', flush);
    this.#stops = [
      socket.welcomes.on((welcome) => this.#welcomed(welcome)),
      socket.frames.on((frame) => this.#received(frame)),
      socket.state.subscribe(() => {
        if (socket.state.get().phase !== 'open') outbox.setConnected(false);
      }),
      outbox.acked.on(({ entry, ack }) => this.#settle(entry, ack.seq, ack.at)),
      outbox.refused.on(({ error }) => this.refusals.emit(error)),
      api.tokens.refreshed.on(({ token }) => socket.send({ type: 'auth', token })),
      tellAway(this.clock, (frame) => socket.send(frame)),
      this.clock.after(listWithoutSocketMs, () => {
        if (this.list.state.get().phase === 'loading') void this.refreshList();
      }),
      () => window.removeEventListener('online', networkChanged),
      () => window.removeEventListener('offline', networkChanged),
      () => window.removeEventListener('pagehide', flush),
    ];
    this.directory.learn([this.me]);
    void outbox.load();
    socket.start();
  }

  stop(): void {
    for (const stop of this.#stops) stop();
    this.#stops = [];
    this.#marks.stop();
    this.outbox.stop();
    this.socket.stop();
  }

  store(id: string): ConversationStore {
    let store = this.#stores.get(id);
    if (!store) {
      store = new ConversationStore(this.me.id, (position, limit) => this.#loadPage(id, position, limit));
      this.#stores.set(id, store);
    }
    return store;
  }

  /** Shows a conversation at its first unread message, or at its end. */
  async open(id: string): Promise<void> {
    const conversation = this.list.get(id);
    const store = this.store(id);
    void this.#loadCursors(id);
    if (store.loaded && !store.timeline.get().hasNewer) return;
    const far = conversation && conversation.unread > 40;
    await store.open(far ? { around: Math.max(1, conversation.read_seq), lastSeq: conversation.last_seq } : undefined);
  }

  /** Sees to it that `seq` is among the loaded messages. */
  async reach(id: string, seq: number): Promise<void> {
    const store = this.store(id);
    if (store.timeline.get().messages.some((message) => message.seq === seq)) return;
    await store.open({ around: seq, lastSeq: this.list.get(id)?.last_seq ?? seq });
  }

  say(conversation: string, body: MessageBody): void {
    void this.outbox.enqueue(conversation, { kind: 'send', body });
    this.typing.tell(conversation, false);
  }

  edit(conversation: string, target: number, body: MessageBody): void {
    void this.outbox.enqueue(conversation, { kind: 'edit', target, body });
  }

  delete(conversation: string, target: number): void {
    void this.outbox.enqueue(conversation, { kind: 'delete', target });
  }

  react(conversation: string, target: number, emoji: string, on: boolean): void {
    void this.outbox.enqueue(conversation, { kind: on ? 'react' : 'unreact', target, emoji });
  }

  /** The person has seen everything up to `seq`. */
  markRead(id: string, seq: number): void {
    const conversation = this.list.get(id);
    if (!conversation || seq <= conversation.read_seq || !this.#marks.read(id, seq)) return;
    const { messages, hasNewer } = this.store(id).timeline.get();
    const rest = messages.filter(
      (message) => message.seq > seq && message.author !== this.me.id && message.kind === 'message',
    );
    this.list.patch(id, {
      read_seq: seq,
      unread: hasNewer ? Math.max(conversation.unread === 0 ? 0 : 1, rest.length) : rest.length,
      mentions: rest.filter((message) => message.body.mentions?.includes(this.me.id)).length,
    });
  }

  /** Reads the list again; at most one reading is under way, and what is asked for meanwhile is done after it. */
  refreshList(): Promise<void> {
    if (this.#listing) this.#listAgain = true;
    this.#listing ??= this.#readList().finally(() => {
      this.#listing = undefined;
      if (!this.#listAgain) return;
      this.#listAgain = false;
      void this.refreshList();
    });
    return this.#listing;
  }

  /** Takes a conversation as the server just answered it. */
  learn(conversation: Conversation): void {
    const standing = this.store(conversation.id).adopt(conversation);
    this.directory.learn([conversation.peer]);
    const known = this.list.get(conversation.id);
    if (standing === 'ahead' && known) {
      // The answer is older than what events already told: only what events do not tell is taken from it.
      const { muted, pinned, my_role, members } = conversation;
      this.list.patch(conversation.id, { muted, pinned, my_role, ...(members ? { members } : {}) });
      return;
    }
    this.list.put(conversation);
    if (standing === 'behind')
      void this.store(conversation.id)
        .catchUp()
        .catch(() => undefined);
  }

  async reloadConversation(id: string): Promise<void> {
    this.learn(await this.api.conversation(id));
  }

  async #readList(): Promise<void> {
    this.list.retry();
    this.#sinceListAsked = [];
    try {
      const items: Conversation[] = [];
      let cursor: string | undefined;
      do {
        const page = await this.api.conversations(cursor);
        items.push(...page.items);
        cursor = page.next;
      } while (cursor !== undefined && items.length < 2000);
      const listed = new Set(items.map((item) => item.id));
      const before = this.list.state.get();
      if (before.phase === 'ready') {
        for (const id of before.byId.keys()) if (!listed.has(id)) this.#forget(id);
        for (const item of items) this.learn(item);
      } else {
        this.list.replaceAll(items);
        for (const item of items) this.store(item.id).adopt(item);
        this.directory.learn(items.map((item) => item.peer));
      }
      for (const event of this.#sinceListAsked) this.list.apply(event);
      this.directory.need(items.flatMap((item) => item.last_message?.author ?? []));
      for (const item of items) if (item.unread > 0) this.#marks.delivered(item.id, item.last_seq);
    } catch {
      this.list.fail();
    }
  }

  #welcomed(welcome: Welcome): void {
    this.limits.set(welcome.limits);
    this.outbox.setConnected(true);
    this.presence.renew();
    void this.refreshList();
    for (const id of welcome.reload)
      void this.store(id)
        .catchUp()
        .catch(() => undefined);
    for (const [id, store] of this.#stores) if (store.loaded) void this.#loadCursors(id);
  }

  #received(frame: ServerFrame): void {
    switch (frame.type) {
      case 'event':
        this.#happened(frame);
        return;
      case 'ack':
        this.outbox.receiveAck(frame);
        return;
      case 'error':
        this.outbox.receiveError(frame);
        return;
      case 'receipt': {
        const { conversation, user, read } = frame;
        this.cursors.receive(conversation, [frame]);
        if (user === this.me.id && read !== undefined) this.#readElsewhere(conversation, read);
        return;
      }
      case 'typing':
        if (frame.user !== this.me.id) this.typing.receive(frame.conversation, frame.user, frame.on);
        return;
      case 'presence':
        this.presence.receive(frame.user, frame.state, frame.last_seen);
        return;
      case 'conversation':
        if (frame.action === 'removed') this.#forget(frame.id);
        else if (frame.conversation) this.learn(frame.conversation);
        else void this.reloadConversation(frame.id).catch(() => undefined);
        return;
      case 'reload':
        void this.store(frame.conversation)
          .catchUp()
          .catch(() => undefined);
        void this.reloadConversation(frame.conversation).catch(() => undefined);
        return;
      default:
    }
  }

  #happened(event: EventFrame): void {
    const id = event.conversation;
    if (this.#listing) this.#sinceListAsked.push(event);
    const store = this.store(id);
    const applied = store.apply(event);
    if (applied === 'duplicate') return;
    if (event.client_msg_id && event.actor === this.me.id) this.outbox.seen(event.client_msg_id);
    this.directory.need([event.actor, ...('user' in event ? [event.user] : [])]);
    this.list.apply(event);
    if (event.kind === 'member_joined' || event.kind === 'member_left' || event.kind === 'role_changed') {
      if (event.kind === 'member_left') this.cursors.forget(id, event.user);
      this.membersChanged.emit(id);
    }
    if (applied === 'gap') {
      void store.catchUp().catch(() => undefined);
      void this.reloadConversation(id).catch(() => undefined);
    }
    const conversation = this.list.get(id);
    if (!conversation && !this.#listing) void this.reloadConversation(id).catch(() => undefined);
    if (event.kind !== 'message') return;
    this.typing.receive(id, event.actor, false);
    if (event.actor === this.me.id) return;
    this.#marks.delivered(id, event.seq);
    const { seq, at, actor: author, id: message, body } = event;
    if (conversation) {
      this.arrivals.emit({ conversation, message: { seq, at, author, id: message, kind: 'message', body } });
    }
  }

  /** The server has taken an entry of the outbox: it is so from now on, also before its event comes. */
  #settle({ id, conversation, operation }: OutboxEntry, seq: number, at: string): void {
    const store = this.store(conversation);
    if (operation.kind === 'send') {
      const message: Message = {
        seq,
        id,
        client_msg_id: id,
        author: this.me.id,
        kind: 'message',
        body: operation.body,
        at,
      };
      store.insert(message);
      const known = this.list.get(conversation);
      if (known && known.last_seq < seq) this.list.patch(conversation, { last_message: message, last_seq: seq });
      return;
    }
    const head = { type: 'event', conversation, epoch: '', rev: 0, seq, at, actor: this.me.id } as const;
    const { target } = operation;
    if (operation.kind === 'edit') store.change({ ...head, kind: 'edited', target, body: operation.body });
    else if (operation.kind === 'delete') store.change({ ...head, kind: 'deleted', target });
    else {
      const kind = operation.kind === 'react' ? 'reaction_added' : 'reaction_removed';
      store.change({ ...head, kind, target, emoji: operation.emoji });
    }
  }

  #readElsewhere(id: string, seq: number): void {
    const known = this.list.get(id);
    if (!known || seq <= known.read_seq) return;
    this.list.patch(id, { read_seq: seq, ...(seq >= known.last_seq ? { unread: 0, mentions: 0 } : {}) });
  }

  #forget(id: string): void {
    this.list.remove(id);
    this.#stores.delete(id);
    // Nobody could see them, to send again or to discard.
    for (const entry of this.outbox.entries.get()) if (entry.conversation === id) this.outbox.discard(entry.id);
    this.removed.emit(id);
  }

  async #loadPage(id: string, position: Parameters<Api['messages']>[1], limit?: number) {
    const page = await this.api.messages(id, position, limit);
    this.directory.need(page.items.flatMap((item) => [item.author, ...(item.body.user ? [item.body.user] : [])]));
    return page;
  }

  async #loadCursors(id: string): Promise<void> {
    try {
      this.cursors.reset(id, (await this.api.cursors(id)).items);
    } catch {
      // Ticks stay at one until receipts come.
    }
  }

  #resumePoints() {
    return [...this.#stores]
      .flatMap(([id, { position }]) => (position ? [{ id, ...position }] : []))
      .slice(-mostResumed);
  }
}
