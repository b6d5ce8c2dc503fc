import { Link } from '@tanstack/react-router';
import { ChevronLeft, Info } from 'lucide-react';
import { IconButton } from '@/components/ui/Button';
import { nameIn, titleOf, useUsers } from '@/features/people/names';
import { ConversationAvatar } from '@/features/people/PersonAvatar';
import { presenceText } from '@/features/presence/presence-text';
import { t } from '@/i18n';
import { useStore } from '@/lib/store';
import type { Conversation } from '@/protocol/types';
import { useSession } from '@/state/session-context';

interface Props {
  conversation: Conversation;
  infoOpen: boolean;
  onInfo: () => void;
}

export function ChatHeader({ conversation, infoOpen, onInfo }: Props) {
  return (
    <header className="flex items-center gap-1 border-b border-line bg-paper px-2 py-2 sm:px-4">
      <Link
        to="/"
        aria-label={t.app.back}
        className="inline-flex size-11 shrink-0 items-center justify-center rounded-xl text-muted hover:bg-hover md:hidden"
      >
        <ChevronLeft size={24} aria-hidden />
      </Link>
      <ConversationAvatar conversation={conversation} />
      <div className="min-w-0 flex-1 pl-2">
        <h2 className="truncate leading-tight font-bold">{titleOf(conversation)}</h2>
        <Subtitle conversation={conversation} />
      </div>
      <IconButton label={t.chat.info} aria-pressed={infoOpen} onClick={onInfo}>
        <Info size={21} aria-hidden />
      </IconButton>
    </header>
  );
}

function Subtitle({ conversation }: { conversation: Conversation }) {
  const session = useSession();
  const users = useUsers();
  const typists = useStore(session.typing.typists, (all) => all.get(conversation.id));
  const presence = useStore(session.presence.people, (people) => people.get(conversation.peer?.id ?? ''));
  if (typists && typists.length > 0) {
    const [a = '', b = ''] = typists.map((id) => nameIn(users, id));
    const many = typists.length === 2 ? t.chat.typingTwo(a, b) : t.chat.typingMany;
    return (
      <p className="flex items-center gap-1.5 truncate text-sm font-medium text-accent">
        <span className="truncate">{typists.length === 1 ? t.chat.typingOne(a) : many}</span>
        <TypingDots />
      </p>
    );
  }
  const text =
    conversation.kind === 'group'
      ? t.chat.members(conversation.member_count)
      : presenceText(presence, conversation.peer?.last_seen) || conversation.peer?.status_text || '';
  return <p className="min-h-5 truncate text-sm text-muted">{text}</p>;
}

function TypingDots() {
  return (
    <span className="inline-flex gap-0.5" aria-hidden="true">
      <span className="size-1 animate-dot rounded-full bg-current" />
      <span className="size-1 animate-dot rounded-full bg-current [animation-delay:150ms]" />
      <span className="size-1 animate-dot rounded-full bg-current [animation-delay:300ms]" />
    </span>
  );
}
