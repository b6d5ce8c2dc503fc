import { useNavigate } from '@tanstack/react-router';
import { LogOut, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { Button } from '@/components/ui/Button';
import { Confirm } from '@/components/ui/Dialog';
import { showToast } from '@/components/ui/toast';
import { errorText, t } from '@/i18n';
import { ApiError } from '@/protocol/ApiError';
import type { Conversation } from '@/protocol/types';
import { useSession } from '@/state/session-context';

/** Leaving a group and, for its owner, deleting it. */
export function GroupEnd({ conversation }: { conversation: Conversation }) {
  const { api, list } = useSession();
  const navigate = useNavigate();
  const [asking, setAsking] = useState<'leave' | 'delete'>();
  const end = async (act: (id: string) => Promise<void>) => {
    try {
      await act(conversation.id);
      list.remove(conversation.id);
      await navigate({ to: '/' });
    } catch (error) {
      const code = error instanceof ApiError ? error.code : 'other';
      showToast({ text: code === 'conflict' ? t.members.lastOwner : errorText(code) });
    }
  };
  return (
    <section className="flex flex-col items-start gap-1 border-t border-line px-2 py-3">
      <Button look="quiet" className="text-danger" onClick={() => setAsking('leave')}>
        <LogOut size={18} aria-hidden />
        {t.members.leave}
      </Button>
      {conversation.my_role === 'owner' && (
        <Button look="quiet" className="text-danger" onClick={() => setAsking('delete')}>
          <Trash2 size={18} aria-hidden />
          {t.members.delete}
        </Button>
      )}
      <Confirm
        open={asking === 'leave'}
        onOpenChange={() => setAsking(undefined)}
        title={t.members.leaveTitle}
        text={t.members.leaveText}
        action={t.members.leave}
        onConfirm={() => void end(api.leave)}
      />
      <Confirm
        open={asking === 'delete'}
        onOpenChange={() => setAsking(undefined)}
        title={t.members.deleteTitle}
        text={t.members.deleteText}
        action={t.members.delete}
        onConfirm={() => void end(api.deleteConversation)}
      />
    </section>
  );
}
