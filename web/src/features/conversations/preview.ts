import { nameIn } from '@/features/people/names';
import { t } from '@/i18n';
import { plainText } from '@/lib/markdown';
import type { Message, User } from '@/protocol/types';

/** A message in one line. */
export function previewOf(message: Message, users: ReadonlyMap<string, User>): string {
  if (message.deleted) return t.timeline.deleted;
  if (message.kind !== 'message') return systemText(message, users);
  const { text, attachments } = message.body;
  if (text) return plainText(text);
  const first = attachments?.[0];
  if (!first) return '';
  if (attachments.length === 1) return first.type.startsWith('image/') ? t.list.photo : first.name;
  return `${first.name} +${attachments.length - 1}`;
}

/** What happened to the conversation, in words. */
export function systemText({ kind, author, body }: Message, users: ReadonlyMap<string, User>): string {
  const actor = nameIn(users, author);
  const who = body.user ? nameIn(users, body.user) : actor;
  const by = body.user && body.user !== author ? actor : undefined;
  switch (kind) {
    case 'member_joined':
      return t.timeline.joined(who, by);
    case 'member_left':
      return t.timeline.left(who, by);
    case 'role_changed':
      return t.timeline.roleChanged(who, t.members.rolesInline[body.role ?? 'member']);
    case 'conversation_updated':
      return body.title ? t.timeline.renamed(actor, body.title) : t.timeline.updated(actor);
    default:
      return t.timeline.system;
  }
}
