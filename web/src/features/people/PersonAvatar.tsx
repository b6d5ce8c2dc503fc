import { Avatar } from '@/components/ui/Avatar';
import { useFileLink } from '@/features/files/use-file-link';
import { useStore } from '@/lib/store';
import type { Conversation, User } from '@/protocol/types';
import { useSession } from '@/state/session-context';
import { titleOf } from './names';

type Size = 'sm' | 'md' | 'lg';

interface Props {
  user: Pick<User, 'id' | 'display_name' | 'avatar'> | undefined;
  size?: Size;
  showPresence?: boolean;
}

export function PersonAvatar({ user, size = 'md', showPresence = false }: Props) {
  const presence = useStore(useSession().presence.people, (people) => people.get(user?.id ?? '')?.state);
  const { url } = useFileLink(user?.avatar);
  return (
    <Avatar
      id={user?.id ?? ''}
      name={user?.display_name ?? '?'}
      src={url}
      size={size}
      presence={showPresence && presence !== 'offline' ? presence : undefined}
    />
  );
}

export function ConversationAvatar({ conversation, size = 'md' }: { conversation: Conversation; size?: Size }) {
  const live = useStore(useSession().directory.users, (users) => users.get(conversation.peer?.id ?? ''));
  const { url } = useFileLink(conversation.avatar);
  if (conversation.kind === 'direct') return <PersonAvatar user={live ?? conversation.peer} size={size} showPresence />;
  return <Avatar id={conversation.id} name={titleOf(conversation)} src={url} size={size} />;
}
