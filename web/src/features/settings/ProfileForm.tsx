import { type FormEvent, useState } from 'react';
import { Button } from '@/components/ui/Button';
import { PhotoPicker } from '@/components/ui/PhotoPicker';
import { TextField } from '@/components/ui/TextField';
import { showToast } from '@/components/ui/toast';
import { usePhoto } from '@/features/files/use-photo';
import { PersonAvatar } from '@/features/people/PersonAvatar';
import { errorText, t } from '@/i18n';
import { ApiError } from '@/protocol/ApiError';
import { useSignedIn } from '@/state/session-context';

export function ProfileForm() {
  const { account, me } = useSignedIn();
  const [name, setName] = useState(me.display_name);
  const [status, setStatus] = useState(me.status_text ?? '');
  const [busy, setBusy] = useState(false);
  const [errors, setErrors] = useState<Record<string, string>>({});
  const photo = usePhoto(async (avatar) => account.changed(await account.api.updateMe({ avatar })));

  const save = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setErrors({});
    try {
      account.changed(
        await account.api.updateMe({
          display_name: name.trim(),
          status_text: status.trim() === '' ? null : status.trim(),
        }),
      );
      showToast({ text: t.settings.saved });
    } catch (error) {
      if (error instanceof ApiError && error.fields.length > 0) {
        setErrors(Object.fromEntries(error.fields.map(({ field, detail }) => [field, detail])));
      } else showToast({ text: errorText(error instanceof ApiError ? error.code : 'other') });
    } finally {
      setBusy(false);
    }
  };
  const removePhoto = async () => {
    try {
      account.changed(await account.api.updateMe({ avatar: null }));
    } catch (error) {
      showToast({ text: errorText(error instanceof ApiError ? error.code : 'other') });
    }
  };

  return (
    <form onSubmit={(event) => void save(event)} className="flex flex-col gap-4">
      <div className="flex items-center gap-4">
        <PersonAvatar user={me} size="lg" />
        <div className="min-w-0">
          <div className="flex flex-wrap gap-2">
            <PhotoPicker label={t.settings.changePhoto} busy={photo.busy} onPick={photo.pick} />
            {me.avatar && <Button onClick={() => void removePhoto()}>{t.settings.removePhoto}</Button>}
          </div>
          <p className="mt-1.5 text-sm text-muted">{t.settings.photoHint}</p>
        </div>
      </div>
      <TextField
        label={t.settings.displayName}
        value={name}
        maxLength={64}
        required
        error={errors.display_name}
        onChange={(event) => setName(event.target.value)}
      />
      <TextField
        label={t.settings.status}
        hint={t.settings.statusHint}
        value={status}
        maxLength={64}
        error={errors.status_text}
        onChange={(event) => setStatus(event.target.value)}
      />
      <Button type="submit" look="primary" busy={busy} disabled={name.trim() === ''} className="self-start">
        {t.app.save}
      </Button>
    </form>
  );
}
