import type { Clock } from '@/lib/clock';
import { Emitter } from '@/lib/emitter';
import { Store } from '@/lib/store';
import { uuid7 } from '@/lib/uuid7';
import { backoffDelay } from '@/protocol/backoff';
import type { AckFrame, ClientFrame, ErrorFrame, MessageBody, SendBody } from '@/protocol/types';
import type { OutboxStorage } from './OutboxStorage';

export type Operation =
  | { kind: 'send'; body: MessageBody }
  | { kind: 'edit'; target: number; body: MessageBody }
  | { kind: 'delete'; target: number }
  | { kind: 'react' | 'unreact'; target: number; emoji: string };

export interface OutboxEntry {
  /** The `client_msg_id`: the same on every try, so that the server takes it once. */
  id: string;
  user: string;
  /** The tab that sends it. */
  owner: string;
  conversation: string;
  /** Grows with every entry made. */
  order: number;
  createdAt: string;
  operation: Operation;
  failure?: { code: string; detail: string };
}

export interface OutboxParts {
  user: string;
  tab: string;
  storage: OutboxStorage;
  clock: Clock;
  random: () => number;
  /** False while there is no connection. */
  send: (frame: ClientFrame) => boolean;
  /** Takes over entries of tabs that are gone: runs `task` only if that tab's lock is free. */
  ifTabGone: (tab: string, task: () => Promise<void>) => Promise<void>;
}

/** An answer that has not come by then is asked for again. */
const answerMs = 10_000;
const backoff = { baseMs: 1_000, capMs: 30_000 };

interface Flight {
  id: string;
  cancel: () => void;
}

/**
 * What was said and not yet answered. One entry of a conversation is under way at a time, so that they arrive in order;
 * each is kept until the server has answered it.
 */
export class Outbox {
  readonly entries = new Store<readonly OutboxEntry[]>([]);
  readonly acked = new Emitter<{ entry: OutboxEntry; ack: AckFrame }>();
  /** An edit, deletion or reaction that the server will not have. A message stays, with its `failure`. */
  readonly refused = new Emitter<{ entry: OutboxEntry; error: ErrorFrame }>();
  readonly #flights = new Map<string, Flight>();
  readonly #attempts = new Map<string, number>();
  #connected = false;
  #lastOrder = 0;

  constructor(private readonly parts: OutboxParts) {}

  /** Brings back what this tab, or one that is gone, had not sent. */
  async load(): Promise<void> {
    const { user, tab, storage, ifTabGone } = this.parts;
    const stored = (await storage.all()).filter((entry) => entry.user === user);
    const mine = stored.filter((entry) => entry.owner === tab);
    for (const owner of new Set(stored.map((entry) => entry.owner))) {
      if (owner === tab) continue;
      await ifTabGone(owner, async () => {
        for (const entry of stored.filter((other) => other.owner === owner)) {
          const adopted = { ...entry, owner: tab };
          await storage.put(adopted);
          mine.push(adopted);
        }
      });
    }
    const known = new Set(this.entries.get().map((entry) => entry.id));
    const back = mine.filter((entry) => !known.has(entry.id));
    this.entries.update((entries) => [...back, ...entries].sort((a, b) => a.order - b.order));
    this.#pumpAll();
  }

  async enqueue(conversation: string, operation: Operation): Promise<void> {
    const now = this.parts.clock.now();
    this.#lastOrder = Math.max(now * 1000, this.#lastOrder + 1);
    const entry: OutboxEntry = {
      id: uuid7(now),
      user: this.parts.user,
      owner: this.parts.tab,
      conversation,
      order: this.#lastOrder,
      createdAt: new Date(now).toISOString(),
      operation,
    };
    this.entries.update((entries) => [...entries, entry]);
    // Kept before it is sent: otherwise a crash between the two could lose the id and send it twice.
    await this.parts.storage.put(entry).catch(() => undefined);
    this.#pump(conversation);
  }

  /** The connection is there, or is lost. What was under way then is sent again after the next welcome. */
  setConnected(connected: boolean): void {
    this.#connected = connected;
    for (const flight of this.#flights.values()) flight.cancel();
    this.#flights.clear();
    if (connected) this.#pumpAll();
  }

  receiveAck(ack: AckFrame): void {
    const entry = this.#find(ack.client_msg_id);
    if (!entry) return;
    this.#forget(entry);
    this.acked.emit({ entry, ack });
    this.#pump(entry.conversation);
  }

  /** The event of an entry came before, or instead of, its answer. */
  seen(clientMsgId: string): void {
    const entry = this.#find(clientMsgId);
    if (!entry) return;
    this.#forget(entry);
    this.#pump(entry.conversation);
  }

  receiveError(error: ErrorFrame): void {
    const entry = error.client_msg_id === undefined ? undefined : this.#find(error.client_msg_id);
    if (!entry) return;
    if (error.retryable) {
      this.#retryLater(entry, error.retry_after_ms);
      return;
    }
    this.#land(entry);
    if (entry.operation.kind === 'send') {
      this.#replace({ ...entry, failure: { code: error.code, detail: error.detail } });
    } else {
      this.#forget(entry);
      this.refused.emit({ entry, error });
    }
    this.#pump(entry.conversation);
  }

  /** Tries a failed message once more, under its old id. */
  resend(id: string): void {
    const entry = this.#find(id);
    if (!entry?.failure) return;
    const { failure: _failure, ...again } = entry;
    this.#replace(again);
    this.#pump(entry.conversation);
  }

  discard(id: string): void {
    const entry = this.#find(id);
    if (!entry) return;
    this.#forget(entry);
    this.#pump(entry.conversation);
  }

  stop(): void {
    this.setConnected(false);
  }

  #pumpAll(): void {
    for (const conversation of new Set(this.entries.get().map((entry) => entry.conversation))) this.#pump(conversation);
  }

  #pump(conversation: string): void {
    if (!this.#connected || this.#flights.has(conversation)) return;
    const entry = this.entries.get().find((other) => other.conversation === conversation && !other.failure);
    if (!entry || !this.parts.send(frameOf(entry))) return;
    this.#fly(entry, answerMs);
  }

  #fly(entry: OutboxEntry, againAfterMs: number): void {
    this.#land(entry);
    const cancel = this.parts.clock.after(againAfterMs, () => {
      this.#land(entry);
      this.#pump(entry.conversation);
    });
    this.#flights.set(entry.conversation, { id: entry.id, cancel });
  }

  #retryLater(entry: OutboxEntry, afterMs: number | undefined): void {
    const attempt = this.#attempts.get(entry.id) ?? 0;
    this.#attempts.set(entry.id, attempt + 1);
    // Nothing else of the conversation goes before it.
    this.#fly(entry, Math.max(afterMs ?? 0, 250 + backoffDelay(backoff, attempt, this.parts.random())));
  }

  #land(entry: OutboxEntry): void {
    const flight = this.#flights.get(entry.conversation);
    if (flight?.id !== entry.id) return;
    flight.cancel();
    this.#flights.delete(entry.conversation);
  }

  #find(id: string): OutboxEntry | undefined {
    return this.entries.get().find((entry) => entry.id === id);
  }

  #replace(entry: OutboxEntry): void {
    this.entries.update((entries) => entries.map((other) => (other.id === entry.id ? entry : other)));
    void this.parts.storage.put(entry).catch(() => undefined);
  }

  #forget(entry: OutboxEntry): void {
    this.#land(entry);
    this.#attempts.delete(entry.id);
    this.entries.update((entries) => entries.filter((other) => other.id !== entry.id));
    void this.parts.storage.remove(entry.id).catch(() => undefined);
  }
}

function frameOf({ id, conversation, operation }: OutboxEntry): ClientFrame {
  switch (operation.kind) {
    case 'send':
      return { type: 'send', conversation, client_msg_id: id, body: sendBody(operation.body) };
    case 'edit':
      return {
        type: 'edit',
        conversation,
        target: operation.target,
        client_msg_id: id,
        body: sendBody(operation.body),
      };
    case 'delete':
      return { type: 'delete', conversation, target: operation.target, client_msg_id: id };
    default:
      return {
        type: operation.kind,
        conversation,
        target: operation.target,
        emoji: operation.emoji,
        client_msg_id: id,
      };
  }
}

function sendBody(body: MessageBody): SendBody {
  return {
    ...(body.text ? { text: body.text } : {}),
    ...(body.attachments?.length ? { attachments: body.attachments.map((file) => file.id) } : {}),
    ...(body.reply_to === undefined ? {} : { reply_to: body.reply_to }),
    ...(body.mentions?.length ? { mentions: body.mentions } : {}),
  };
}
