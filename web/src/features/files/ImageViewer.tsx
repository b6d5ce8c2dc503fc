import { Download } from 'lucide-react';
import { Button } from '@/components/ui/Button';
import { Dialog } from '@/components/ui/Dialog';
import { t } from '@/i18n';
import { formatBytes } from '@/lib/bytes';
import type { Attachment } from '@/protocol/types';
import { useSession } from '@/state/session-context';
import { startDownload } from './Attachments';

interface Props {
  file: Attachment;
  url: string | undefined;
  onClose: () => void;
}

export default function ImageViewer({ file, url, onClose }: Props) {
  const { api } = useSession();
  return (
    <Dialog open onOpenChange={(open) => !open && onClose()} title={file.name} shape="wide">
      <div className="flex min-h-0 flex-1 items-center justify-center bg-panel p-3">
        {url && <img src={url} alt={file.name} className="max-h-full max-w-full object-contain" />}
      </div>
      <footer className="flex items-center justify-between gap-3 px-5 py-3">
        <span className="text-sm text-muted">{formatBytes(file.size)}</span>
        <Button onClick={async () => startDownload((await api.fileLink(file.id)).url, file.name)}>
          <Download size={18} aria-hidden />
          {t.files.download('').trim()}
        </Button>
      </footer>
    </Dialog>
  );
}
