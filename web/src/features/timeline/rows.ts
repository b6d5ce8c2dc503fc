import { dayKey } from '@/lib/dates';
import type { Message } from '@/protocol/types';
import { withDeletion, withEdit, withReaction } from '@/state/message-edits';
import type { OutboxEntry } from '@/state/Outbox';

export type Row =
  | { type: 'beginning'; key: string }
  | { type: 'day'; key: string; date: Date }
  | { type: 'unread'; key: string }
  | { type: 'system'; key: string; message: Message }
  | {
      type: 'message';
      key: string;
      message: Message;
      mine: boolean;
      /** First and last of a run of one author's messages. */
      first: boolean;
      last: boolean;
      /** Said but not yet taken by the server. */
      pending?: OutboxEntry;
    };

interface Input {
  messages: readonly Message[];
  /** The outbox's entries of this conversation. */
  entries: readonly OutboxEntry[];
  me: string;
  reachesBeginning: boolean;
  reachesEnd: boolean;
  /** Messages of others after this one are new. */
  newAfter: number | undefined;
}

/** Messages of one author closer than this belong together. */
const runMs = 5 * 60_000;

/** What the timeline shows, top to bottom. */
export function buildRows({ messages, entries, me, reachesBeginning, reachesEnd, newAfter }: Input): Row[] {
  const rows: Row[] = [];
  if (reachesBeginning) rows.push({ type: 'beginning', key: 'beginning' });
  let day: string | undefined;
  let divided = newAfter === undefined;

  const shown = withPending(messages, entries, me, reachesEnd);
  for (const { message, pending } of shown) {
    const date = new Date(message.at);
    if (dayKey(date) !== day) {
      day = dayKey(date);
      rows.push({ type: 'day', key: `day:${day}`, date });
    }
    const mine = message.author === me;
    if (!divided && !mine && newAfter !== undefined && message.seq > newAfter && message.kind === 'message') {
      divided = true;
      rows.push({ type: 'unread', key: 'unread' });
    }
    if (message.kind !== 'message') {
      rows.push({ type: 'system', key: `s${message.seq}`, message });
      continue;
    }
    const previous = rows.at(-1);
    const continues = previous?.type === 'message' && follows(previous.message, message);
    if (continues) previous.last = false;
    rows.push({
      type: 'message',
      // The same before and after the server has taken it, so that nothing jumps.
      key: mine && message.client_msg_id ? message.client_msg_id : `m${message.seq}`,
      message,
      mine,
      first: !continues,
      last: true,
      ...(pending ? { pending } : {}),
    });
  }
  return rows;
}

function follows(previous: Message, next: Message): boolean {
  return previous.author === next.author && Date.parse(next.at) - Date.parse(previous.at) < runMs;
}

interface Shown {
  message: Message;
  pending?: OutboxEntry;
}

function withPending(
  messages: readonly Message[],
  entries: readonly OutboxEntry[],
  me: string,
  reachesEnd: boolean,
): Shown[] {
  const taken = new Set(messages.flatMap((message) => (message.author === me ? (message.client_msg_id ?? []) : [])));
  const changes = new Map<number, OutboxEntry[]>();
  for (const entry of entries) {
    if (entry.operation.kind === 'send') continue;
    const { target } = entry.operation;
    changes.set(target, [...(changes.get(target) ?? []), entry]);
  }
  const shown: Shown[] = messages.map((message) => ({
    message: (changes.get(message.seq) ?? []).reduce((changed, entry) => changedBy(changed, entry, me), message),
  }));
  if (!reachesEnd) return shown;
  for (const entry of entries) {
    if (entry.operation.kind !== 'send' || taken.has(entry.id)) continue;
    shown.push({
      pending: entry,
      message: {
        seq: Number.MAX_SAFE_INTEGER,
        id: entry.id,
        client_msg_id: entry.id,
        author: me,
        kind: 'message',
        body: entry.operation.body,
        at: entry.createdAt,
      },
    });
  }
  return shown;
}

function changedBy(message: Message, { operation, createdAt }: OutboxEntry, me: string): Message {
  switch (operation.kind) {
    case 'edit':
      return withEdit(message, operation.body, createdAt);
    case 'delete':
      return withDeletion(message);
    case 'react':
    case 'unreact':
      return withReaction(message, operation.emoji, me, me, operation.kind === 'react');
    default:
      return message;
  }
}
