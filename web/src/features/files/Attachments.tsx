import { Download, FileText } from 'lucide-react';
import { Suspense, useState } from 'react';
import { showToast } from '@/components/ui/toast';
import { t } from '@/i18n';
import { formatBytes } from '@/lib/bytes';
import { lazyPart } from '@/lib/lazy-part';
import type { Attachment } from '@/protocol/types';
import { useSession } from '@/state/session-context';
import { useFileLink } from './use-file-link';

const ImageViewer = lazyPart(() => import('./ImageViewer'));
/** These the server serves inline, if they really are such. */
const shownInline = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/avif']);

export function Attachments({ files }: { files: readonly Attachment[] }) {
  return (
    <ul aria-label={t.files.attached} className="flex flex-col gap-1.5">
      {files.map((file) => (
        <li key={file.id}>{shownInline.has(file.type) ? <Picture file={file} /> : <FileButton file={file} />}</li>
      ))}
    </ul>
  );
}

/** The box has its size before the picture is there, so nothing moves when it comes. */
function Picture({ file }: { file: Attachment }) {
  const { url, renew } = useFileLink(file.id);
  const [open, setOpen] = useState(false);
  return (
    <>
      <button
        type="button"
        aria-label={t.files.open(file.name)}
        onClick={() => setOpen(true)}
        className="block aspect-4/3 w-72 max-w-full overflow-hidden rounded-xl bg-hover"
      >
        {url && <img src={url} alt="" onError={renew} className="size-full object-cover" />}
      </button>
      {open && (
        <Suspense>
          <ImageViewer file={file} url={url} onClose={() => setOpen(false)} />
        </Suspense>
      )}
    </>
  );
}

function FileButton({ file }: { file: Attachment }) {
  const { api } = useSession();
  const download = async () => {
    try {
      const { url } = await api.fileLink(file.id);
      startDownload(url, file.name);
    } catch {
      showToast({ text: t.files.failed });
    }
  };
  return (
    <button
      type="button"
      aria-label={t.files.download(file.name)}
      onClick={() => void download()}
      className="flex w-72 max-w-full items-center gap-3 rounded-xl bg-ink/6 px-3 py-2.5 text-left hover:bg-ink/10"
    >
      <FileText size={24} className="shrink-0 text-accent" aria-hidden />
      <span className="min-w-0 flex-1">
        <span className="block truncate font-medium">{file.name}</span>
        <span className="block text-sm text-muted">{formatBytes(file.size)}</span>
      </span>
      <Download size={18} className="shrink-0 text-muted" aria-hidden />
    </button>
  );
}

export function startDownload(url: string, name: string): void {
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.rel = 'noopener';
  link.click();
}
