import * as v from 'valibot';
import type { EventFrame, ServerFrame } from './types';

/** Checks of what the socket brings in: nothing unchecked gets past this file. Unknown fields are dropped. */
const text = v.string();
const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const role = v.picklist(['owner', 'admin', 'member']);
/** Servers may say `null` for what is absent. */
const maybe = <T extends v.GenericSchema>(schema: T) =>
  v.pipe(
    v.optional(v.nullable(schema)),
    v.transform((value) => value ?? undefined),
  );

const user = v.object({
  id: text,
  username: text,
  display_name: text,
  avatar: maybe(text),
  status_text: maybe(text),
  last_seen: maybe(text),
});

const body = v.object({
  text: maybe(text),
  attachments: maybe(v.array(v.object({ id: text, name: text, size: whole, type: text }))),
  reply_to: maybe(whole),
  mentions: maybe(v.array(text)),
  user: maybe(text),
  role: maybe(role),
  title: maybe(text),
});

const message = v.object({
  seq: whole,
  id: text,
  client_msg_id: maybe(text),
  author: text,
  kind: text,
  body,
  at: text,
  edited_at: maybe(text),
  deleted: maybe(v.boolean()),
  reactions: maybe(v.array(v.object({ emoji: text, count: whole, users: v.array(text), mine: v.boolean() }))),
});

const conversation = v.object({
  id: text,
  kind: v.picklist(['direct', 'group']),
  title: maybe(text),
  avatar: maybe(text),
  created_by: text,
  created_at: text,
  member_count: whole,
  my_role: role,
  members: maybe(v.array(v.object({ user: text, role }))),
  peer: maybe(user),
  epoch: text,
  rev: whole,
  last_seq: whole,
  read_seq: whole,
  unread: whole,
  mentions: whole,
  muted: v.boolean(),
  pinned: v.boolean(),
  last_message: maybe(message),
});

const eventHead = {
  type: v.literal('event'),
  conversation: text,
  epoch: text,
  rev: whole,
  seq: whole,
  at: text,
  actor: text,
  client_msg_id: maybe(text),
};

export const event = v.variant('kind', [
  v.object({ ...eventHead, kind: v.literal('message'), id: text, body }),
  v.object({ ...eventHead, kind: v.literal('edited'), target: whole, body }),
  v.object({ ...eventHead, kind: v.literal('deleted'), target: whole }),
  v.object({ ...eventHead, kind: v.picklist(['reaction_added', 'reaction_removed']), target: whole, emoji: text }),
  v.object({ ...eventHead, kind: v.picklist(['member_joined', 'role_changed']), user: text, role }),
  v.object({ ...eventHead, kind: v.literal('member_left'), user: text }),
  v.object({ ...eventHead, kind: v.literal('conversation_updated'), title: maybe(text), avatar: maybe(text) }),
]);
/** An event of a later version still moves the position. */
const otherEvent = v.object(eventHead);

/** All frames but events. */
export const frame = v.variant('type', [
  v.object({
    type: v.literal('welcome'),
    session: text,
    node: text,
    heartbeat_seconds: v.pipe(v.number(), v.minValue(1)),
    user: text,
    resumed: v.array(text),
    reload: v.array(text),
    limits: v.object({
      frame_bytes: maybe(whole),
      text_chars: maybe(whole),
      attachments: whole,
      file_bytes: maybe(whole),
      group_members: maybe(whole),
      sends: maybe(text),
    }),
    server_time: text,
  }),
  v.object({ type: v.literal('authenticated'), expires_in: v.number() }),
  v.object({ type: v.literal('ack'), client_msg_id: text, conversation: text, seq: whole, at: text }),
  v.object({
    type: v.literal('error'),
    code: text,
    retryable: v.boolean(),
    detail: text,
    client_msg_id: maybe(text),
    conversation: maybe(text),
    retry_after_ms: maybe(v.number()),
  }),
  v.object({
    type: v.literal('receipt'),
    conversation: text,
    user: text,
    read: maybe(whole),
    delivered: maybe(whole),
  }),
  v.object({ type: v.literal('typing'), conversation: text, user: text, on: v.boolean() }),
  v.object({
    type: v.literal('presence'),
    user: text,
    state: v.picklist(['online', 'away', 'offline']),
    last_seen: maybe(text),
  }),
  v.object({
    type: v.literal('conversation'),
    action: v.picklist(['added', 'removed', 'updated']),
    id: text,
    conversation: maybe(conversation),
  }),
  v.object({ type: v.literal('reload'), conversation: text, reason: text }),
  v.object({ type: v.literal('pong'), n: v.number() }),
  v.object({ type: v.literal('goaway'), reconnect_after_ms: v.number(), reason: text }),
]);

export type ParsedFrame = { ok: true; frame: ServerFrame } | { ok: false; why: string };

export function parseServerFrame(raw: unknown): ParsedFrame {
  if (typeof raw !== 'string') return { ok: false, why: 'not a text frame' };
  let json: unknown;
  try {
    json = JSON.parse(raw);
  } catch {
    return { ok: false, why: 'not JSON' };
  }
  if (typeof json === 'object' && json !== null && 'type' in json && json.type === 'event') return parseEvent(json);
  const parsed = v.safeParse(frame, json);
  // Absent and undefined are the same to every reader of these shapes.
  if (parsed.success) return { ok: true, frame: withoutUndefined(parsed.output) as ServerFrame };
  return { ok: false, why: parsed.issues[0].message };
}

function parseEvent(json: object): ParsedFrame {
  const known = v.safeParse(event, json);
  if (known.success) return { ok: true, frame: withoutUndefined(known.output) as EventFrame };
  const other = v.safeParse(otherEvent, json);
  if (other.success) return { ok: true, frame: withoutUndefined({ ...other.output, kind: 'other' }) as EventFrame };
  return { ok: false, why: known.issues[0].message };
}

function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUndefined);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== undefined)
      .map(([key, inner]) => [key, withoutUndefined(inner)]),
  );
}
