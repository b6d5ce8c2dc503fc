import { X } from 'lucide-react';
import { Dialog as Radix } from 'radix-ui';
import type { ReactNode } from 'react';
import { t } from '@/i18n';
import { cx } from '@/lib/cx';
import { Button, IconButton } from './Button';

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  description?: string;
  children: ReactNode;
  /** `sheet` fills the height at the right edge; `wide` is for pictures. */
  shape?: 'box' | 'sheet' | 'wide';
}

const shapes = {
  box: 'inset-x-0 bottom-0 max-h-[92dvh] rounded-t-3xl sm:inset-x-auto sm:bottom-auto sm:left-1/2 sm:top-1/2 sm:w-[26rem] sm:-translate-x-1/2 sm:-translate-y-1/2 sm:max-h-[85dvh] sm:rounded-3xl',
  sheet: 'inset-y-0 right-0 w-full sm:w-96 sm:border-l sm:border-line',
  wide: 'inset-0 sm:inset-6 sm:rounded-3xl',
};

// The veil is not Radix's overlay: that one locks scrolling by an inline style sheet, which the page's policy forbids.
export function Dialog({ open, onOpenChange, title, description, children, shape = 'box' }: Props) {
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      <Radix.Portal>
        <div className="fixed inset-0 z-40 bg-shade" aria-hidden="true" />
        <Radix.Content
          {...(description ? {} : { 'aria-describedby': undefined })}
          className={cx(
            'fixed z-50 flex animate-rise flex-col overflow-hidden bg-paper shadow-float outline-none',
            shapes[shape],
          )}
        >
          <header className="flex items-center gap-2 py-3 pr-3 pl-5">
            <Radix.Title className="min-w-0 flex-1 truncate text-lg font-bold">{title}</Radix.Title>
            <Radix.Close asChild>
              <IconButton label={t.app.close}>
                <X size={20} aria-hidden />
              </IconButton>
            </Radix.Close>
          </header>
          {description && <Radix.Description className="px-5 pb-2 text-muted">{description}</Radix.Description>}
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

interface ConfirmProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  text: string;
  action: string;
  onConfirm: () => void;
}

/** Asks before something that cannot be taken back. */
export function Confirm({ open, onOpenChange, title, text, action, onConfirm }: ConfirmProps) {
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={title} description={text}>
      <div className="flex justify-end gap-2 p-5 pt-3">
        <Button onClick={() => onOpenChange(false)}>{t.app.cancel}</Button>
        <Button
          look="danger"
          onClick={() => {
            onOpenChange(false);
            onConfirm();
          }}
        >
          {action}
        </Button>
      </div>
    </Dialog>
  );
}
