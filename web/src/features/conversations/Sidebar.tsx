import { Link, useNavigate } from '@tanstack/react-router';
import { MessageCirclePlus, Search, Settings } from 'lucide-react';
import { Suspense, useEffect, useMemo, useState } from 'react';
import { Button, IconButton } from '@/components/ui/Button';
import { Failed, Notice, Skeleton } from '@/components/ui/Notice';
import { titleOf } from '@/features/people/names';
import { PersonAvatar } from '@/features/people/PersonAvatar';
import { t } from '@/i18n';
import { lazyPart } from '@/lib/lazy-part';
import { useStore } from '@/lib/store';
import { inOrder } from '@/state/ConversationList';
import { useSignedIn } from '@/state/session-context';
import { ConversationRow } from './ConversationRow';

const NewChat = lazyPart(() => import('./NewChat'));

export function Sidebar({ selected }: { selected: string | undefined }) {
  const { session, me } = useSignedIn();
  const { phase, byId } = useStore(session.list.state);
  const [filter, setFilter] = useState('');
  const [creating, setCreating] = useState(false);
  const navigate = useNavigate();
  const all = useMemo(() => inOrder(byId), [byId]);
  const wanted = filter.trim().toLocaleLowerCase();
  const shown = wanted ? all.filter((item) => titleOf(item).toLocaleLowerCase().includes(wanted)) : all;

  const peers = useMemo(
    () =>
      all
        .slice(0, 100)
        .flatMap((item) => item.peer?.id ?? [])
        .join(),
    [all],
  );
  useEffect(() => session.presence.watch('list', peers ? peers.split(',') : []), [session, peers]);

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (!event.altKey || (event.key !== 'ArrowUp' && event.key !== 'ArrowDown') || all.length === 0) return;
      event.preventDefault();
      const at = all.findIndex((item) => item.id === selected);
      const next = all[(at + (event.key === 'ArrowDown' ? 1 : -1) + all.length) % all.length] ?? all[0];
      if (next) void navigate({ to: '/c/$id', params: { id: next.id } });
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [all, selected, navigate]);

  return (
    <nav aria-label={t.list.navigation} className="flex h-full flex-col bg-panel">
      <header className="flex items-center gap-1 px-4 pt-3 pb-1">
        <h2 className="flex-1 text-xl font-bold tracking-tight">{t.list.title}</h2>
        <IconButton label={t.list.new} onClick={() => setCreating(true)}>
          <MessageCirclePlus size={22} aria-hidden />
        </IconButton>
        <Link
          to="/settings"
          aria-label={t.list.settings}
          title={t.list.settings}
          className="inline-flex size-11 items-center justify-center rounded-xl text-muted hover:bg-hover hover:text-ink sm:size-10"
        >
          <Settings size={21} aria-hidden />
        </Link>
      </header>
      <div className="px-3 pt-1 pb-2">
        <label className="relative block">
          <span className="sr-only">{t.list.search}</span>
          <Search size={17} aria-hidden className="absolute top-1/2 left-3 -translate-y-1/2 text-muted" />
          <input
            type="search"
            value={filter}
            onChange={(event) => setFilter(event.target.value)}
            placeholder={t.list.search}
            className="h-11 w-full rounded-xl border border-line bg-surface pr-3 pl-9 text-base placeholder:text-muted sm:h-10 sm:text-[0.9375rem]"
          />
        </label>
      </div>
      <div className="min-h-0 flex-1 overflow-y-auto px-2 pb-2">
        {phase === 'loading' && <ListSkeleton />}
        {phase === 'failed' && <Failed title={t.list.failed} onRetry={() => void session.refreshList()} />}
        {phase === 'ready' && all.length === 0 && (
          <Notice icon={<MessageCirclePlus size={28} />} title={t.list.empty} hint={t.list.emptyHint}>
            <Button look="primary" onClick={() => setCreating(true)}>
              {t.list.start}
            </Button>
          </Notice>
        )}
        {phase === 'ready' && all.length > 0 && shown.length === 0 && <Notice title={t.list.nothing} />}
        {phase === 'ready' && shown.length > 0 && (
          <ul className="flex flex-col gap-0.5">
            {shown.map((item) => (
              <ConversationRow key={item.id} conversation={item} selected={item.id === selected} />
            ))}
          </ul>
        )}
      </div>
      <Link to="/settings" className="m-2 flex items-center gap-3 rounded-2xl px-3 py-2 hover:bg-hover max-md:hidden">
        <PersonAvatar user={me} size="sm" />
        <span className="min-w-0 flex-1">
          <span className="block truncate text-sm font-semibold">{me.display_name}</span>
          <span className="block truncate text-xs text-muted">{me.status_text ?? `@${me.username}`}</span>
        </span>
      </Link>
      {creating && (
        <Suspense>
          <NewChat onClose={() => setCreating(false)} />
        </Suspense>
      )}
    </nav>
  );
}

function ListSkeleton() {
  return (
    <div role="status" aria-label={t.app.loading} className="flex flex-col gap-1 px-3 py-2">
      {Array.from({ length: 7 }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the rows never change
        <div key={row} className="flex items-center gap-3 py-2.5">
          <Skeleton className="size-11 rounded-full" />
          <div className="flex-1">
            <Skeleton className="h-4 w-2/5" />
            <Skeleton className="mt-2 h-3 w-4/5" />
          </div>
        </div>
      ))}
    </div>
  );
}
