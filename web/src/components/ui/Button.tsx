import type { ComponentProps } from 'react';
import { cx } from '@/lib/cx';

type Look = 'primary' | 'plain' | 'danger' | 'quiet';

const looks: Record<Look, string> = {
  primary: 'bg-accent text-on-accent hover:bg-accent-strong',
  plain: 'bg-surface text-ink border border-line hover:bg-hover',
  danger: 'bg-danger text-on-danger hover:opacity-90',
  quiet: 'text-accent hover:bg-hover',
};

/** Not `disabled` while busy: the focus must not be lost. */
export function Button({
  look = 'plain',
  busy = false,
  className,
  ...rest
}: ComponentProps<'button'> & { look?: Look; busy?: boolean }) {
  return (
    <button
      type="button"
      aria-busy={busy || undefined}
      {...rest}
      className={cx(
        'inline-flex min-h-11 items-center justify-center gap-2 rounded-xl px-4 font-semibold transition-colors sm:min-h-10',
        'disabled:opacity-50 aria-busy:opacity-70',
        looks[look],
        className,
      )}
    />
  );
}

/** A button that shows only an icon: its label is for screen readers and the tooltip. */
export function IconButton({
  label,
  className,
  children,
  ...rest
}: Omit<ComponentProps<'button'>, 'aria-label'> & { label: string }) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      {...rest}
      className={cx(
        'inline-flex size-11 shrink-0 items-center justify-center rounded-xl text-muted transition-colors sm:size-10',
        'hover:bg-hover hover:text-ink disabled:opacity-50 aria-pressed:bg-selected aria-pressed:text-ink',
        className,
      )}
    >
      {children}
    </button>
  );
}
