import { useCallback } from 'react';
import { showToast } from '@/components/ui/toast';
import { t } from '@/i18n';
import { formatBytes } from '@/lib/bytes';
import { useSession } from '@/state/session-context';

/** Takes files into a conversation's tray, within the server's limits. */
export function useFileIntake(conversation: string): (files: Iterable<File>) => void {
  const session = useSession();
  return useCallback(
    (files) => {
      const { attachments: most, file_bytes: largest } = session.limits.get();
      const wanted = [...files].filter((file) => {
        if (largest === undefined || file.size <= largest) return true;
        showToast({ text: t.composer.tooBig(file.name, formatBytes(largest)) });
        return false;
      });
      const room = Math.max(0, most - session.uploads.tray(conversation).length);
      if (wanted.length > room) showToast({ text: t.composer.tooMany(most) });
      session.uploads.add(conversation, wanted.slice(0, room));
    },
    [session, conversation],
  );
}
