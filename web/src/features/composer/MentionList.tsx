import { PersonAvatar } from '@/features/people/PersonAvatar';
import { t } from '@/i18n';
import { cx } from '@/lib/cx';
import type { User } from '@/protocol/types';

interface Props {
  id: string;
  people: readonly User[];
  active: number;
  onPick: (user: User) => void;
}

/** The list box that belongs to the composer's text field; the focus stays in the field. */
export function MentionList({ id, people, active, onPick }: Props) {
  return (
    <div
      id={id}
      role="listbox"
      aria-label={t.composer.mentions}
      className="absolute bottom-full left-3 z-20 mb-2 w-72 max-w-[calc(100%-1.5rem)] rounded-2xl border border-line bg-raised p-1.5 shadow-float"
    >
      {people.map((user, index) => (
        <div
          key={user.id}
          id={`${id}-${index}`}
          role="option"
          tabIndex={-1}
          aria-selected={index === active}
          onPointerDown={(event) => {
            event.preventDefault();
            onPick(user);
          }}
          className={cx(
            'flex min-h-11 cursor-pointer items-center gap-2.5 rounded-xl px-2.5',
            index === active && 'bg-selected',
          )}
        >
          <PersonAvatar user={user} size="sm" />
          <span className="max-w-[65%] shrink-0 truncate font-medium">{user.display_name}</span>
          <span className="min-w-0 flex-1 truncate text-right text-sm text-muted">@{user.username}</span>
        </div>
      ))}
    </div>
  );
}
