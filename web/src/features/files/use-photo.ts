import { useState } from 'react';
import { showToast } from '@/components/ui/toast';
import { errorText } from '@/i18n';
import { squareImage } from '@/lib/square-image';
import { ApiError } from '@/protocol/ApiError';
import { useSession } from '@/state/session-context';

const edge = 512;

/** Uploads a picture as an avatar and hands its file id on. */
export function usePhoto(apply: (file: string) => Promise<unknown>) {
  const session = useSession();
  const [busy, setBusy] = useState(false);
  const pick = async (file: File) => {
    setBusy(true);
    try {
      await apply(await session.uploads.avatar(await squareImage(file, edge), file.name));
    } catch (error) {
      showToast({ text: errorText(error instanceof ApiError ? error.code : 'unsupported_type') });
    } finally {
      setBusy(false);
    }
  };
  return { pick: (file: File) => void pick(file), busy };
}
