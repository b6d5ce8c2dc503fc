import { useId } from 'react';
import { cx } from '@/lib/cx';

interface Props {
  label: string;
  hint?: string;
  checked: boolean;
  onChange: (checked: boolean) => void;
}

export function Switch({ label, hint, checked, onChange }: Props) {
  const id = useId();
  return (
    <button
      type="button"
      role="switch"
      aria-checked={checked}
      aria-labelledby={`${id}-label`}
      aria-describedby={hint ? `${id}-hint` : undefined}
      onClick={() => onChange(!checked)}
      className="flex min-h-11 w-full items-center gap-4 rounded-xl text-left"
    >
      <span className="min-w-0 flex-1">
        <span id={`${id}-label`} className="block font-medium">
          {label}
        </span>
        {hint && (
          <span id={`${id}-hint`} className="block text-sm text-muted">
            {hint}
          </span>
        )}
      </span>
      <span
        className={cx(
          'relative h-6 w-10 shrink-0 rounded-full border transition-colors',
          checked ? 'border-accent bg-accent' : 'border-field bg-hover',
        )}
      >
        <span
          className={cx(
            'absolute top-[3px] left-[3px] size-4 rounded-full transition-transform',
            checked ? 'translate-x-4 bg-on-accent' : 'bg-field',
          )}
        />
      </span>
    </button>
  );
}
