import { Pencil, Reply, X } from 'lucide-react';
import { IconButton } from '@/components/ui/Button';
import { previewOf } from '@/features/conversations/preview';
import { nameIn, useUsers } from '@/features/people/names';
import { t } from '@/i18n';
import type { Message } from '@/protocol/types';

interface Props {
  mode: 'reply' | 'edit';
  message: Message;
  onStop: () => void;
}

/** Above the text: what is replied to, or edited. */
export function ComposerContext({ mode, message, onStop }: Props) {
  const users = useUsers();
  const title = mode === 'edit' ? t.composer.editing : t.composer.replying(nameIn(users, message.author));
  return (
    <div className="flex items-center gap-3 pt-1 pl-2">
      {mode === 'edit' ? (
        <Pencil size={18} className="shrink-0 text-accent" aria-hidden />
      ) : (
        <Reply size={18} className="shrink-0 text-accent" aria-hidden />
      )}
      <p className="min-w-0 flex-1 border-l-3 border-accent pl-2.5 text-sm">
        <span className="block truncate font-semibold">{title}</span>
        <span className="block truncate text-muted">{previewOf(message, users)}</span>
      </p>
      <IconButton label={t.composer.stop} onClick={onStop}>
        <X size={18} aria-hidden />
      </IconButton>
    </div>
  );
}
