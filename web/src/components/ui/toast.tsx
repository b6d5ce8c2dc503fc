import { X } from 'lucide-react';
import { t } from '@/i18n';
import { Store, useStore } from '@/lib/store';
import { IconButton } from './Button';

interface Toast {
  id: number;
  text: string;
  title?: string;
  onOpen?: () => void;
}

const shownMs = 6_000;
const toasts = new Store<readonly Toast[]>([]);
let lastId = 0;

function dismiss(id: number): void {
  toasts.update((all) => all.filter((toast) => toast.id !== id));
}

/** Says something for some seconds; three at most are shown. */
export function showToast(toast: Omit<Toast, 'id'>): void {
  const id = ++lastId;
  toasts.update((all) => [...all, { ...toast, id }].slice(-3));
  setTimeout(() => dismiss(id), shownMs);
}

export function Toaster() {
  const all = useStore(toasts);
  return (
    <div
      role="status"
      className="pointer-events-none fixed inset-x-3 top-3 z-60 flex flex-col items-end gap-2 sm:left-auto sm:w-80"
    >
      {all.map(({ id, title, text, onOpen }) => (
        <div
          key={id}
          className="pointer-events-auto flex w-full animate-rise items-start gap-1 rounded-2xl border border-line bg-raised py-2 pr-1 pl-4 shadow-float"
        >
          <button
            type="button"
            className="min-w-0 flex-1 py-1 text-left"
            onClick={() => {
              dismiss(id);
              onOpen?.();
            }}
          >
            {title && <span className="block truncate font-semibold">{title}</span>}
            <span className="line-clamp-2 break-words">{text}</span>
          </button>
          <IconButton label={t.app.close} onClick={() => dismiss(id)}>
            <X size={16} aria-hidden />
          </IconButton>
        </div>
      ))}
    </div>
  );
}
