import { nameIn, useUsers } from '@/features/people/names';
import { t } from '@/i18n';
import { cx } from '@/lib/cx';
import type { Message } from '@/protocol/types';

interface Props {
  message: Message;
  onToggle: (emoji: string) => void;
  align: 'start' | 'end';
}

export function Reactions({ message, onToggle, align }: Props) {
  const users = useUsers();
  return (
    <div className={cx('mt-1 flex flex-wrap gap-1', align === 'end' && 'justify-end')}>
      {message.reactions?.map(({ emoji, count, mine, users: who }) => (
        <button
          key={emoji}
          type="button"
          aria-pressed={mine}
          aria-label={t.message.reactions(emoji, count)}
          title={who.map((id) => nameIn(users, id)).join(', ')}
          onClick={() => onToggle(emoji)}
          className={cx(
            'inline-flex h-7 items-center gap-1 rounded-full border px-2 text-sm tabular-nums',
            mine ? 'border-accent bg-selected font-semibold' : 'border-line bg-surface hover:bg-hover',
          )}
        >
          <span aria-hidden>{emoji}</span>
          {count}
        </button>
      ))}
    </div>
  );
}
