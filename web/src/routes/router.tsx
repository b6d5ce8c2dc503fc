import { createRootRouteWithContext, createRoute, createRouter, Outlet, redirect } from '@tanstack/react-router';
import { lazyPart } from '@/lib/lazy-part';
import type { Account } from '@/state/Account';
import { Broken } from './broken';
import { ConversationRoute } from './conversation';
import { HomeRoute } from './home';
import { ShellRoute } from './shell';
import { RegisterRoute, SignInRoute } from './sign-in';

interface RouterContext {
  account: Account;
}

const root = createRootRouteWithContext<RouterContext>()({ component: Outlet });

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/login',
  validateSearch: (search: Record<string, unknown>): { to?: string } =>
    // Only places of this page: anything else would send people elsewhere.
    typeof search.to === 'string' && /^\/(?![/\\])/.test(search.to) ? { to: search.to } : {},
  beforeLoad: ({ context, search }) => {
    if (context.account.state.get().phase === 'signed_in') throw redirect({ to: search.to ?? '/' });
  },
  component: SignInRoute,
});

const register = createRoute({
  getParentRoute: () => root,
  path: '/register',
  beforeLoad: ({ context }) => {
    if (context.account.state.get().phase === 'signed_in') throw redirect({ to: '/' });
  },
  component: RegisterRoute,
});

const shell = createRoute({
  getParentRoute: () => root,
  id: 'shell',
  beforeLoad: ({ context, location }) => {
    if (context.account.state.get().phase === 'signed_in') return;
    throw redirect({ to: '/login', search: location.pathname === '/' ? {} : { to: location.pathname } });
  },
  component: ShellRoute,
});

const home = createRoute({ getParentRoute: () => shell, path: '/', component: HomeRoute });
const conversation = createRoute({ getParentRoute: () => shell, path: '/c/$id', component: ConversationRoute });
const settings = createRoute({
  getParentRoute: () => shell,
  path: '/settings',
  component: lazyPart(() => import('@/features/settings/SettingsScreen')),
});

export function makeRouter(account: Account) {
  return createRouter({
    routeTree: root.addChildren([signIn, register, shell.addChildren([home, conversation, settings])]),
    context: { account },
    defaultPreload: 'intent',
    defaultNotFoundComponent: HomeRoute,
    defaultErrorComponent: Broken,
  });
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
