import type { ReactNode } from 'react';
import { t } from '@/i18n';
import { cx } from '@/lib/cx';
import { Button } from './Button';

/** Why there is nothing here, and what can be done. */
export function Notice({
  icon,
  title,
  hint,
  children,
}: {
  icon?: ReactNode;
  title: string;
  hint?: string;
  children?: ReactNode;
}) {
  return (
    <div className="flex flex-col items-center justify-center gap-2 px-8 py-10 text-center">
      {icon && (
        <div className="mb-2 flex size-16 items-center justify-center rounded-3xl bg-selected text-accent" aria-hidden>
          {icon}
        </div>
      )}
      <p className="text-lg font-semibold text-balance">{title}</p>
      {hint && <p className="max-w-sm text-balance text-muted">{hint}</p>}
      {children && <div className="mt-3">{children}</div>}
    </div>
  );
}

export function Failed({ title, onRetry }: { title: string; onRetry: () => void }) {
  return (
    <Notice title={title} hint={t.errors.network ?? ''}>
      <Button onClick={onRetry}>{t.app.retry}</Button>
    </Notice>
  );
}

/** Stands where something will be. */
export function Skeleton({ className }: { className: string }) {
  return <div aria-hidden="true" className={cx('animate-shimmer rounded-lg bg-hover', className)} />;
}
