import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { type ReactNode, useDeferredValue, useState } from 'react';
import { Failed, Skeleton } from '@/components/ui/Notice';
import { TextField } from '@/components/ui/TextField';
import { t } from '@/i18n';
import type { User } from '@/protocol/types';
import { useSession } from '@/state/session-context';
import { PersonAvatar } from './PersonAvatar';

interface Props {
  onPick: (user: User) => void;
  /** These are not offered. */
  without?: ReadonlySet<string>;
  /** What stands at the end of a person's row. */
  mark?: (user: User) => ReactNode;
  pressed?: (user: User) => boolean;
}

/** Finds people by the beginning of a name. */
export function PeopleSearch({ onPick, without, mark, pressed }: Props) {
  const session = useSession();
  const [prefix, setPrefix] = useState('');
  const asked = useDeferredValue(prefix.trim());
  const { data, isPending, isError, refetch } = useQuery({
    queryKey: ['users', asked],
    queryFn: ({ signal }) => session.api.searchUsers(asked, signal),
    enabled: asked !== '',
    placeholderData: keepPreviousData,
    staleTime: 30_000,
  });
  const found = data?.items.filter((user) => user.id !== session.me.id && !without?.has(user.id)) ?? [];

  return (
    <div className="flex min-h-72 flex-1 flex-col overflow-hidden">
      <div className="px-5 pb-3">
        <TextField
          type="search"
          label={t.create.searchLabel}
          placeholder={t.create.searchHint}
          autoComplete="off"
          value={prefix}
          onChange={(event) => setPrefix(event.target.value)}
        />
      </div>
      <div className="min-h-0 flex-1 overflow-y-auto px-2 pb-4" aria-live="polite">
        {asked === '' && <p className="px-3 py-6 text-center text-muted">{t.create.type}</p>}
        {asked !== '' && isError && <Failed title={t.errors.network ?? ''} onRetry={() => void refetch()} />}
        {asked !== '' && isPending && !isError && (
          <div className="flex items-center gap-3 px-3 py-2">
            <Skeleton className="size-11 rounded-full" />
            <Skeleton className="h-4 w-40" />
          </div>
        )}
        {asked !== '' && data && found.length === 0 && (
          <p className="px-3 py-6 text-center text-muted">{t.create.none}</p>
        )}
        {asked !== '' && found.length > 0 && (
          <ul>
            {found.map((user) => (
              <li key={user.id}>
                <button
                  type="button"
                  aria-pressed={pressed?.(user)}
                  onClick={() => onPick(user)}
                  className="flex w-full items-center gap-3 rounded-2xl px-3 py-2 text-left outline-offset-[-2px] hover:bg-hover"
                >
                  <PersonAvatar user={user} />
                  <span className="min-w-0 flex-1">
                    <span className="block truncate font-semibold">{user.display_name}</span>
                    <span className="block truncate text-sm text-muted">@{user.username}</span>
                  </span>
                  {mark?.(user)}
                </button>
              </li>
            ))}
          </ul>
        )}
      </div>
    </div>
  );
}
