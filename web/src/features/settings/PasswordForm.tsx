import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { Button } from '@/components/ui/Button';
import { TextField } from '@/components/ui/TextField';
import { showToast } from '@/components/ui/toast';
import { errorText, t } from '@/i18n';
import { ApiError } from '@/protocol/ApiError';
import { useSignedIn } from '@/state/session-context';

export function PasswordForm() {
  const { account, me } = useSignedIn();
  const queries = useQueryClient();
  const [busy, setBusy] = useState(false);
  const [errors, setErrors] = useState<{ current?: string; next?: string }>({});

  const change = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const data = new FormData(form);
    setBusy(true);
    setErrors({});
    try {
      await account.api.changePassword(String(data.get('current')), String(data.get('next')));
      form.reset();
      showToast({ text: t.settings.passwordChanged });
      await queries.invalidateQueries({ queryKey: ['sessions'] });
    } catch (error) {
      setErrors(explain(error));
    } finally {
      setBusy(false);
    }
  };

  return (
    <form onSubmit={(event) => void change(event)} className="flex flex-col gap-4">
      <input type="text" name="username" autoComplete="username" value={me.username} readOnly hidden />
      <TextField
        label={t.settings.currentPassword}
        name="current"
        type="password"
        autoComplete="current-password"
        required
        error={errors.current}
      />
      <TextField
        label={t.settings.newPassword}
        name="next"
        type="password"
        autoComplete="new-password"
        minLength={8}
        required
        hint={t.auth.passwordHint}
        error={errors.next}
      />
      <Button type="submit" busy={busy} className="self-start">
        {t.settings.changePassword}
      </Button>
    </form>
  );
}

function explain(error: unknown): { current?: string; next?: string } {
  if (!(error instanceof ApiError)) return { next: errorText('other') };
  if (error.status === 401 || error.status === 403) return { current: t.settings.wrongPassword };
  const field = error.fields[0];
  if (field?.field === 'current_password') return { current: t.settings.wrongPassword };
  return { next: field?.detail ?? errorText(error.code) };
}
