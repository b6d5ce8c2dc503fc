import { showToast } from '@/components/ui/toast';
import { errorText } from '@/i18n';
import { ApiError } from '@/protocol/ApiError';
import { useSession } from '@/state/session-context';

/** Mutes and pins at once, and takes it back if the server does not follow. */
export function usePreferences(id: string) {
  const session = useSession();
  return async (change: { muted?: boolean; pinned?: boolean }) => {
    const before = session.list.get(id);
    if (!before) return;
    session.list.patch(id, change);
    try {
      session.list.patch(id, await session.api.setPreferences(id, change));
    } catch (error) {
      session.list.patch(id, { muted: before.muted, pinned: before.pinned });
      showToast({ text: errorText(error instanceof ApiError ? error.code : 'other') });
    }
  };
}
