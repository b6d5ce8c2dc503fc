import { useNavigate } from '@tanstack/react-router';
import { Check, ChevronLeft, Users, X } from 'lucide-react';
import { useState } from 'react';
import { Button } from '@/components/ui/Button';
import { Dialog } from '@/components/ui/Dialog';
import { TextField } from '@/components/ui/TextField';
import { showToast } from '@/components/ui/toast';
import { PeopleSearch } from '@/features/people/PeopleSearch';
import { errorText, t } from '@/i18n';
import { ApiError } from '@/protocol/ApiError';
import type { Conversation, User } from '@/protocol/types';
import { useSession } from '@/state/session-context';

export default function NewChat({ onClose }: { onClose: () => void }) {
  const session = useSession();
  const navigate = useNavigate();
  const [group, setGroup] = useState(false);
  const [title, setTitle] = useState('');
  const [chosen, setChosen] = useState<readonly User[]>([]);
  const [busy, setBusy] = useState(false);

  const start = async (create: () => Promise<Conversation>) => {
    if (busy) return;
    setBusy(true);
    try {
      const conversation = await create();
      session.learn(conversation);
      onClose();
      await navigate({ to: '/c/$id', params: { id: conversation.id } });
    } catch (error) {
      setBusy(false);
      showToast({ text: errorText(error instanceof ApiError ? error.code : 'other') });
    }
  };
  const toggle = (user: User) =>
    setChosen((all) =>
      all.some(({ id }) => id === user.id) ? all.filter(({ id }) => id !== user.id) : [...all, user],
    );
  const isChosen = (user: User) => chosen.some(({ id }) => id === user.id);

  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title={group ? t.create.groupTitle : t.create.title}>
      {group ? (
        <>
          <div className="px-5 pb-3">
            <button
              type="button"
              onClick={() => setGroup(false)}
              className="-ml-2 mb-2 inline-flex min-h-11 items-center gap-1 rounded-lg px-2 text-muted hover:text-ink sm:min-h-8"
            >
              <ChevronLeft size={18} aria-hidden />
              {t.app.back}
            </button>
            <TextField
              label={t.create.groupName}
              value={title}
              maxLength={100}
              onChange={(event) => setTitle(event.target.value)}
            />
          </div>
          {chosen.length > 0 && (
            <ul className="flex max-h-24 flex-wrap gap-1.5 overflow-y-auto px-5 pb-3">
              {chosen.map((user) => (
                <li key={user.id}>
                  <button
                    type="button"
                    aria-label={t.create.remove(user.display_name)}
                    onClick={() => toggle(user)}
                    className="flex min-h-8 items-center gap-1 rounded-full bg-selected px-3 text-sm font-medium"
                  >
                    {user.display_name}
                    <X size={14} aria-hidden />
                  </button>
                </li>
              ))}
            </ul>
          )}
          <PeopleSearch
            onPick={toggle}
            pressed={isChosen}
            mark={(user) => isChosen(user) && <Check size={20} className="text-accent" aria-hidden />}
          />
          <footer className="flex items-center gap-3 border-t border-line px-5 py-3">
            <span className="min-w-0 flex-1 text-sm text-muted">{t.create.chosen(chosen.length)}</span>
            <Button
              look="primary"
              busy={busy}
              disabled={title.trim() === ''}
              onClick={() =>
                void start(() =>
                  session.api.createGroup(
                    title.trim(),
                    chosen.map(({ id }) => id),
                  ),
                )
              }
            >
              {t.create.create}
            </Button>
          </footer>
        </>
      ) : (
        <>
          <div className="px-2 pb-2">
            <button
              type="button"
              onClick={() => setGroup(true)}
              className="flex w-full items-center gap-3 rounded-2xl px-3 py-2 text-left hover:bg-hover"
            >
              <span
                className="flex size-11 items-center justify-center rounded-full bg-selected text-accent"
                aria-hidden
              >
                <Users size={20} />
              </span>
              <span>
                <span className="block font-semibold">{t.create.group}</span>
                <span className="block text-sm text-muted">{t.create.groupHint}</span>
              </span>
            </button>
          </div>
          <PeopleSearch onPick={(user) => void start(() => session.api.createDirect(user.id))} />
        </>
      )}
    </Dialog>
  );
}
