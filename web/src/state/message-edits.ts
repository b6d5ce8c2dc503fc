import type { EventFrame, Message, Reaction } from '@/protocol/types';

/** What an event says as a row of the timeline, if it is one. */
export function messageOf(event: EventFrame): Message | undefined {
  const head = {
    seq: event.seq,
    author: event.actor,
    at: event.at,
    ...(event.client_msg_id ? { client_msg_id: event.client_msg_id } : {}),
  };
  switch (event.kind) {
    case 'message':
      return { ...head, id: event.id, kind: 'message', body: event.body };
    case 'member_joined':
    case 'role_changed':
      return { ...head, id: `${event.seq}`, kind: event.kind, body: { user: event.user, role: event.role } };
    case 'member_left':
      return { ...head, id: `${event.seq}`, kind: event.kind, body: { user: event.user } };
    case 'conversation_updated':
      return {
        ...head,
        id: `${event.seq}`,
        kind: event.kind,
        body: event.title === undefined ? {} : { title: event.title },
      };
    default:
      return undefined;
  }
}

export function withEdit(message: Message, body: Message['body'], at: string): Message {
  if (message.deleted) return message;
  // An edit may leave out what it does not change.
  const attachments = body.attachments ?? message.body.attachments;
  const reply = body.reply_to ?? message.body.reply_to;
  return {
    ...message,
    body: {
      ...body,
      ...(attachments ? { attachments } : {}),
      ...(reply === undefined ? {} : { reply_to: reply }),
    },
    edited_at: at,
  };
}

export function withDeletion(message: Message): Message {
  const { reactions: _reactions, edited_at: _edited, ...rest } = message;
  return { ...rest, body: {}, deleted: true };
}

/** Adds or takes away one person's reaction; saying it twice changes nothing. */
export function withReaction(message: Message, emoji: string, user: string, me: string, on: boolean): Message {
  if (message.deleted) return message;
  const reactions = message.reactions ?? [];
  const found = reactions.find((reaction) => reaction.emoji === emoji);
  const has = found ? (user === me ? found.mine : found.users.includes(user)) : false;
  if (has === on) return message;
  // Beyond the first 20 a person cannot be told from the rest: then only the count moves.
  if (!on && found && user !== me && !found.users.includes(user) && found.count <= found.users.length) return message;
  let next: Reaction[];
  if (!found) next = [...reactions, { emoji, count: 1, users: [user], mine: user === me }];
  else {
    const changed: Reaction = {
      emoji,
      count: found.count + (on ? 1 : -1),
      users: on ? [...found.users, user].slice(0, 20) : found.users.filter((other) => other !== user),
      mine: user === me ? on : found.mine,
    };
    next = reactions
      .map((reaction) => (reaction === found ? changed : reaction))
      .filter((reaction) => reaction.count > 0);
  }
  const { reactions: _old, ...rest } = message;
  return next.length > 0 ? { ...rest, reactions: next } : rest;
}
