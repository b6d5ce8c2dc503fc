import { Link } from '@tanstack/react-router';
import { ChevronLeft } from 'lucide-react';
import type { ReactNode } from 'react';
import { Button } from '@/components/ui/Button';
import { Switch } from '@/components/ui/Switch';
import { showToast } from '@/components/ui/toast';
import { errorText, t } from '@/i18n';
import { cx } from '@/lib/cx';
import { useStore } from '@/lib/store';
import { ApiError } from '@/protocol/ApiError';
import { useSignedIn } from '@/state/session-context';
import { PasswordForm } from './PasswordForm';
import { ProfileForm } from './ProfileForm';
import { SessionList } from './SessionList';
import { chooseTheme, type Theme, theme } from './theme';

export default function SettingsScreen() {
  const { account } = useSignedIn();
  return (
    <div className="h-full overflow-y-auto">
      <div className="mx-auto flex max-w-2xl flex-col gap-4 px-3 pt-3 pb-16 sm:px-6">
        <header className="flex items-center gap-1">
          <Link
            to="/"
            aria-label={t.app.back}
            className="-ml-1 inline-flex size-11 items-center justify-center rounded-xl text-muted hover:bg-hover md:hidden"
          >
            <ChevronLeft size={24} aria-hidden />
          </Link>
          <h2 className="text-2xl font-bold tracking-tight">{t.settings.title}</h2>
        </header>
        <Section title={t.settings.profile}>
          <ProfileForm />
        </Section>
        <Section title={t.settings.appearance}>
          <ThemeChoice />
        </Section>
        <Section title={t.settings.privacy}>
          <LastSeen />
        </Section>
        <Section title={t.settings.sessions} hint={t.settings.sessionsHint}>
          <SessionList />
        </Section>
        <Section title={t.settings.password}>
          <PasswordForm />
        </Section>
        <Section title={t.settings.account}>
          <Button onClick={() => void account.logout().catch(() => undefined)}>{t.auth.signOut}</Button>
        </Section>
      </div>
    </div>
  );
}

function Section({ title, hint, children }: { title: string; hint?: string; children: ReactNode }) {
  return (
    <section aria-label={title} className="rounded-3xl border border-line bg-surface p-5">
      <h3 className="font-bold">{title}</h3>
      {hint && <p className="mt-0.5 text-sm text-muted">{hint}</p>}
      <div className="mt-4">{children}</div>
    </section>
  );
}

const themes: Theme[] = ['system', 'light', 'dark'];

function ThemeChoice() {
  const chosen = useStore(theme);
  return (
    <fieldset className="grid grid-cols-3 gap-1 rounded-2xl bg-panel p-1">
      <legend className="sr-only">{t.settings.theme}</legend>
      {themes.map((choice) => (
        <label
          key={choice}
          className={cx(
            'flex min-h-11 cursor-pointer items-center justify-center rounded-xl font-semibold has-focus-visible:outline-2 has-focus-visible:outline-accent sm:min-h-9',
            chosen === choice ? 'bg-accent text-on-accent' : 'text-muted hover:text-ink',
          )}
        >
          <input
            type="radio"
            name="theme"
            className="sr-only"
            checked={chosen === choice}
            onChange={() => chooseTheme(choice)}
          />
          {t.settings.themes[choice]}
        </label>
      ))}
    </fieldset>
  );
}

function LastSeen() {
  const { account, me } = useSignedIn();
  const change = async (last_seen_visible: boolean) => {
    account.changed({ ...me, last_seen_visible });
    try {
      account.changed(await account.api.updateMe({ last_seen_visible }));
    } catch (error) {
      account.changed(me);
      showToast({ text: errorText(error instanceof ApiError ? error.code : 'other') });
    }
  };
  return (
    <Switch
      label={t.settings.lastSeen}
      hint={t.settings.lastSeenHint}
      checked={me.last_seen_visible}
      onChange={(on) => void change(on)}
    />
  );
}
