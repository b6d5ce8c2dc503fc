import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { Failed } from '@/components/ui/Notice';
import { Toaster } from '@/components/ui/toast';
import { Logo } from '@/features/auth/Logo';
import { t } from '@/i18n';
import { useStore } from '@/lib/store';
import { ApiError } from '@/protocol/ApiError';
import type { Account } from '@/state/Account';
import { makeRouter } from './router';

export function App({ account }: { account: Account }) {
  const { phase } = useStore(account.state);
  const [router] = useState(() => makeRouter(account));
  const [queries] = useState(makeQueries);

  useEffect(() => {
    // Nothing of one person stays for the next.
    if (phase === 'signed_out') queries.clear();
    if (phase === 'signed_out' || phase === 'signed_in') void router.invalidate();
  }, [phase, router, queries]);

  if (phase === 'starting') return <Splash />;
  if (phase === 'unreachable') {
    return (
      <main className="flex h-full items-center justify-center">
        <Failed title={t.app.unreachable} onRetry={() => void account.restore()} />
      </main>
    );
  }
  return (
    <QueryClientProvider client={queries}>
      <RouterProvider router={router} />
      <Toaster />
    </QueryClientProvider>
  );
}

function Splash() {
  return (
    <main role="status" aria-label={t.app.loading} className="flex h-full animate-shimmer items-center justify-center">
      <Logo size={64} />
    </main>
  );
}

function makeQueries(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        retry: (failures, error) => failures < 3 && error instanceof ApiError && error.retryable,
        refetchOnWindowFocus: false,
      },
    },
  });
}
