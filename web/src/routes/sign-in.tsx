import { useRouteContext, useRouter, useSearch } from '@tanstack/react-router';
import { AuthScreen } from '@/features/auth/AuthScreen';
import { t } from '@/i18n';
import { useStore } from '@/lib/store';

export function SignInRoute() {
  const { account } = useRouteContext({ from: '__root__' });
  const { to } = useSearch({ from: '/login' });
  const router = useRouter();
  const ended = useStore(account.state, (state) => state.phase === 'signed_out' && state.ended === true);
  return (
    <AuthScreen
      key="login"
      account={account}
      mode="login"
      notice={ended ? t.auth.ended : undefined}
      onDone={() => void router.navigate({ to: to ?? '/', replace: true })}
    />
  );
}

export function RegisterRoute() {
  const { account } = useRouteContext({ from: '__root__' });
  const router = useRouter();
  return (
    <AuthScreen
      key="register"
      account={account}
      mode="register"
      onDone={() => void router.navigate({ to: '/', replace: true })}
    />
  );
}
