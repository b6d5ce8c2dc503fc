import { useNavigate } from '@tanstack/react-router';
import { useEffect, useMemo, useState } from 'react';
import { showToast } from '@/components/ui/toast';
import { previewOf } from '@/features/conversations/preview';
import { nameIn, titleOf } from '@/features/people/names';
import { countText, errorText, t } from '@/i18n';
import { pageInView } from '@/lib/page-in-view';
import { useStore } from '@/lib/store';
import { useSession } from '@/state/session-context';

/** The count in the title, a note for what arrives elsewhere, and a voice for screen readers. */
export function Notifications({ open }: { open: string | undefined }) {
  const session = useSession();
  const navigate = useNavigate();
  const byId = useStore(session.list.state, (state) => state.byId);
  const [spoken, setSpoken] = useState('');

  const unread = useMemo(() => {
    let sum = 0;
    // A muted conversation counts only where one is mentioned.
    for (const { muted, unread: count, mentions } of byId.values()) sum += muted ? mentions : count;
    return sum;
  }, [byId]);
  useEffect(() => {
    document.title = unread > 0 ? t.app.titleUnread(countText(unread)) : t.app.name;
    return () => {
      document.title = t.app.name;
    };
  }, [unread]);

  useEffect(
    () =>
      session.arrivals.on(({ conversation, message }) => {
        const users = session.directory.users.get();
        const text = previewOf(message, users) || t.timeline.attachment;
        const author = nameIn(users, message.author);
        if (conversation.id === open) {
          setSpoken(t.timeline.live(author, text));
          return;
        }
        const mentioned = message.body.mentions?.includes(session.me.id) ?? false;
        if ((conversation.muted && !mentioned) || !pageInView.get()) return;
        showToast({
          title: conversation.kind === 'group' ? `${author} · ${titleOf(conversation)}` : author,
          text,
          onOpen: () => void navigate({ to: '/c/$id', params: { id: conversation.id } }),
        });
      }),
    [session, open, navigate],
  );
  useEffect(() => session.refusals.on((error) => showToast({ text: errorText(error.code) })), [session]);

  return (
    <p aria-live="polite" className="sr-only">
      {spoken}
    </p>
  );
}
