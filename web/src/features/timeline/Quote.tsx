import { nameColor } from '@/components/ui/Avatar';
import { previewOf } from '@/features/conversations/preview';
import { nameIn, useUsers } from '@/features/people/names';
import { t } from '@/i18n';
import type { Message } from '@/protocol/types';

interface Props {
  seq: number;
  message: Message | undefined;
  onJump: () => void;
}

/** The message that is replied to; a press goes there. */
export function Quote({ message, onJump }: Props) {
  const users = useUsers();
  return (
    <button
      type="button"
      onClick={onJump}
      className="mb-1.5 block w-full min-w-0 max-w-full overflow-hidden rounded-lg border-l-3 border-accent bg-ink/6 px-2.5 py-1 text-left text-sm"
    >
      {message ? (
        <>
          <span className="block truncate font-semibold" style={{ color: nameColor(message.author) }}>
            {nameIn(users, message.author)}
          </span>
          <span className="block truncate text-muted">{previewOf(message, users)}</span>
        </>
      ) : (
        <span className="text-muted">{t.timeline.replyGone}</span>
      )}
    </button>
  );
}
