import { t } from '@/i18n';
import { useStore } from '@/lib/store';
import type { Conversation, User } from '@/protocol/types';
import { useSession } from '@/state/session-context';

export function titleOf(conversation: Conversation): string {
  if (conversation.kind === 'direct') return conversation.peer?.display_name ?? t.timeline.someone;
  return conversation.title ?? t.timeline.someone;
}

export function useUsers(): ReadonlyMap<string, User> {
  return useStore(useSession().directory.users);
}

export function nameIn(users: ReadonlyMap<string, User>, id: string): string {
  return users.get(id)?.display_name ?? t.timeline.someone;
}
