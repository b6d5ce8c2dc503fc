import { Outlet, useMatchRoute, useNavigate, useRouteContext } from '@tanstack/react-router';
import { useEffect, useMemo } from 'react';
import { ConnectionBar } from '@/features/connection/ConnectionBar';
import { Sidebar } from '@/features/conversations/Sidebar';
import { Notifications } from '@/features/notifications/Notifications';
import { t } from '@/i18n';
import { cx } from '@/lib/cx';
import { preloadParts } from '@/lib/lazy-part';
import { useStore } from '@/lib/store';
import { SessionContext } from '@/state/session-context';

/** By then the first conversation is there. */
const preloadAfterMs = 2_000;

/** The frame of everything behind the sign-in: the list, and beside it (on a phone: instead of it) what was chosen. */
export function ShellRoute() {
  const { account } = useRouteContext({ from: '__root__' });
  const state = useStore(account.state);
  const matchRoute = useMatchRoute();
  const navigate = useNavigate();
  const match = matchRoute({ to: '/c/$id' });
  const selected = match ? match.id : undefined;
  const onlyList = Boolean(matchRoute({ to: '/' }));
  const session = state.phase === 'signed_in' ? state.session : undefined;

  useEffect(() => {
    const timer = setTimeout(() => void preloadParts(), preloadAfterMs);
    return () => clearTimeout(timer);
  }, []);
  useEffect(
    () =>
      session?.removed.on((id) => {
        if (id === selected) void navigate({ to: '/' });
      }),
    [session, selected, navigate],
  );
  const context = useMemo(
    () => (state.phase === 'signed_in' ? { account, session: state.session, me: state.me } : null),
    [account, state],
  );
  if (!context) return null;

  return (
    <SessionContext value={context}>
      <a
        href="#content"
        className="absolute -top-20 left-2 z-50 rounded-xl bg-accent px-4 py-2 font-semibold text-on-accent focus:top-2"
      >
        {t.app.skip}
      </a>
      <div className="flex h-full flex-col">
        <ConnectionBar />
        <main className="flex min-h-0 flex-1">
          <h1 className="sr-only">{t.app.name}</h1>
          <div
            className={cx('w-full border-line md:block md:w-80 md:shrink-0 md:border-r xl:w-96', !onlyList && 'hidden')}
          >
            <Sidebar selected={selected} />
          </div>
          <div id="content" tabIndex={-1} className={cx('min-w-0 flex-1 outline-none', onlyList && 'max-md:hidden')}>
            <Outlet />
          </div>
        </main>
      </div>
      <Notifications open={selected} />
    </SessionContext>
  );
}
