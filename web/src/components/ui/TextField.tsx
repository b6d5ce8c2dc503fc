import { type ComponentProps, type ReactNode, useId } from 'react';
import { cx } from '@/lib/cx';

interface Props extends ComponentProps<'input'> {
  label: string;
  hint?: string | undefined;
  error?: string | undefined;
  /** Shown inside, at the end. */
  after?: ReactNode;
}

export function TextField({ label, hint, error, after, className, id, ...rest }: Props) {
  const made = useId();
  const field = id ?? made;
  const note = error ?? hint;
  return (
    <div className={className}>
      <label htmlFor={field} className="mb-1.5 block text-sm font-semibold">
        {label}
      </label>
      <div className="relative">
        <input
          id={field}
          aria-invalid={error ? true : undefined}
          aria-describedby={note ? `${field}-note` : undefined}
          {...rest}
          className={cx(
            'h-11 w-full rounded-xl border bg-surface px-3.5 text-base text-ink placeholder:text-muted sm:text-[0.9375rem]',
            error ? 'border-danger' : 'border-field',
            after ? 'pr-12' : '',
          )}
        />
        {after && <div className="absolute inset-y-0 right-0.5 flex items-center">{after}</div>}
      </div>
      {note && (
        <p id={`${field}-note`} className={cx('mt-1.5 text-sm', error ? 'text-danger' : 'text-muted')}>
          {note}
        </p>
      )}
    </div>
  );
}
