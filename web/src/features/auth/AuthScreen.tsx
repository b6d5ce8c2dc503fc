import { Link } from '@tanstack/react-router';
import { Eye, EyeOff } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { Button, IconButton } from '@/components/ui/Button';
import { TextField } from '@/components/ui/TextField';
import { errorText, t } from '@/i18n';
import { ApiError } from '@/protocol/ApiError';
import type { Account } from '@/state/Account';
import { Logo } from './Logo';

interface Props {
  account: Account;
  mode: 'login' | 'register';
  /** Why the person is here again. */
  notice?: string | undefined;
  onDone: () => void;
}

type Failure = { text: string; fields: Record<string, string> };

export function AuthScreen({ account, mode, notice, onDone }: Props) {
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure>();
  const [shown, setShown] = useState(false);
  const registering = mode === 'register';

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (busy) return;
    const data = new FormData(event.currentTarget);
    const field = (name: string) => String(data.get(name) ?? '').trim();
    const username = field('username').toLowerCase();
    const password = String(data.get('password') ?? '');
    const invalid = registering ? invalidFields(username, password) : {};
    if (Object.keys(invalid).length > 0) {
      setFailure({ text: '', fields: invalid });
      return;
    }
    setBusy(true);
    setFailure(undefined);
    try {
      if (registering) {
        const display_name = field('display_name');
        await account.register({ username, password, ...(display_name ? { display_name } : {}) });
      } else await account.login(username, password);
      onDone();
    } catch (error) {
      setFailure(explain(error, registering));
      setBusy(false);
    }
  };

  return (
    <main className="flex h-full flex-col items-center overflow-y-auto px-4 py-10">
      <div className="my-auto w-full max-w-sm">
        <div className="mb-8 flex flex-col items-center text-center">
          <Logo size={56} />
          <h1 className="mt-5 text-2xl font-bold tracking-tight">
            {registering ? t.auth.registerTitle : t.auth.signInTitle}
          </h1>
          <p className="mt-1 text-balance text-muted">{t.app.tagline}</p>
        </div>
        <form onSubmit={submit} className="flex flex-col gap-4" noValidate>
          {(failure?.text || notice) && (
            <p role="alert" className="rounded-xl border border-line bg-surface px-3.5 py-2.5 text-danger">
              {failure?.text || notice}
            </p>
          )}
          <TextField
            label={t.auth.username}
            name="username"
            autoComplete="username"
            autoCapitalize="none"
            autoCorrect="off"
            spellCheck={false}
            required
            hint={registering ? t.auth.usernameHint : undefined}
            error={failure?.fields.username}
          />
          {registering && (
            <TextField
              label={t.auth.displayName}
              name="display_name"
              autoComplete="name"
              hint={t.auth.displayNameHint}
              error={failure?.fields.display_name}
            />
          )}
          <TextField
            label={t.auth.password}
            name="password"
            type={shown ? 'text' : 'password'}
            autoComplete={registering ? 'new-password' : 'current-password'}
            required
            hint={registering ? t.auth.passwordHint : undefined}
            error={failure?.fields.password}
            after={
              <IconButton label={shown ? t.auth.hidePassword : t.auth.showPassword} onClick={() => setShown(!shown)}>
                {shown ? <EyeOff size={18} aria-hidden /> : <Eye size={18} aria-hidden />}
              </IconButton>
            }
          />
          <Button type="submit" look="primary" busy={busy} className="mt-2">
            {registering ? t.auth.register : t.auth.signIn}
          </Button>
        </form>
        <p className="mt-6 text-center text-muted">
          {registering ? t.auth.toSignIn : t.auth.toRegister}{' '}
          <Link
            to={registering ? '/login' : '/register'}
            className="inline-flex min-h-11 items-center font-semibold text-accent underline underline-offset-4 sm:min-h-0"
          >
            {registering ? t.auth.signIn : t.auth.register}
          </Link>
        </p>
      </div>
    </main>
  );
}

/** What the server would refuse, said before it is asked. */
function invalidFields(username: string, password: string): Record<string, string> {
  return {
    ...(/^[a-z0-9][a-z0-9._-]{2,31}$/.test(username) ? {} : { username: t.auth.usernameHint }),
    ...(password.length >= 8 && password.length <= 256 ? {} : { password: t.auth.passwordHint }),
  };
}

function explain(error: unknown, registering: boolean): Failure {
  if (!(error instanceof ApiError)) return { text: errorText('other'), fields: {} };
  if (error.code === 'username_taken') return { text: '', fields: { username: errorText('username_taken') } };
  if (error.status === 401 && !registering) return { text: t.auth.wrong, fields: {} };
  const fields = Object.fromEntries(error.fields.map(({ field, detail }) => [field, detail]));
  return { text: Object.keys(fields).length > 0 ? '' : errorText(error.code), fields };
}
