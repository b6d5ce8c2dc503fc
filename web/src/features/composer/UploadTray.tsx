import { FileText, RotateCcw, X } from 'lucide-react';
import { errorText, t } from '@/i18n';
import { formatBytes } from '@/lib/bytes';
import type { Upload } from '@/state/Uploads';

interface Props {
  uploads: readonly Upload[];
  onCancel: (id: string) => void;
  onRetry: (id: string) => void;
}

export function UploadTray({ uploads, onCancel, onRetry }: Props) {
  return (
    <ul aria-label={t.files.attached} className="flex gap-2 overflow-x-auto px-1 pt-2 pb-1">
      {uploads.map(({ id, name, size, preview, state, progress, failure }) => (
        <li
          key={id}
          className="relative flex w-56 shrink-0 items-center gap-2.5 rounded-2xl border border-line bg-paper p-2 pr-1"
        >
          {preview ? (
            <img src={preview} alt="" className="size-11 rounded-lg object-cover" />
          ) : (
            <span className="flex size-11 items-center justify-center rounded-lg bg-selected text-accent" aria-hidden>
              <FileText size={20} />
            </span>
          )}
          <span className="min-w-0 flex-1">
            <span className="block truncate text-sm font-medium">{name}</span>
            {state === 'failed' ? (
              <span role="alert" className="block truncate text-xs text-danger" title={errorText(failure ?? 'other')}>
                {errorText(failure ?? 'other')}
              </span>
            ) : state === 'done' ? (
              <span className="block text-xs text-muted">{formatBytes(size)}</span>
            ) : (
              <progress
                aria-label={t.files.progress(name)}
                max={1}
                value={state === 'checking' ? undefined : progress}
                className="block h-1.5 w-full overflow-hidden rounded-full bg-hover accent-accent"
              />
            )}
          </span>
          {state === 'failed' && (
            <button
              type="button"
              aria-label={t.files.retry(name)}
              onClick={() => onRetry(id)}
              className="flex size-9 items-center justify-center rounded-lg text-muted hover:bg-hover hover:text-ink"
            >
              <RotateCcw size={16} aria-hidden />
            </button>
          )}
          <button
            type="button"
            aria-label={t.files.cancel(name)}
            onClick={() => onCancel(id)}
            className="flex size-9 items-center justify-center rounded-lg text-muted hover:bg-hover hover:text-ink"
          >
            <X size={16} aria-hidden />
          </button>
        </li>
      ))}
    </ul>
  );
}
