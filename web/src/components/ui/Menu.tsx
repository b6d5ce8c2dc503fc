import { DropdownMenu as Radix } from 'radix-ui';
import type { ComponentProps, ReactNode } from 'react';
import { cx } from '@/lib/cx';

interface Props {
  trigger: ReactNode;
  children: ReactNode;
  align?: 'start' | 'end';
  open?: boolean;
  onOpenChange?: (open: boolean) => void;
}

// Not modal: a modal menu locks scrolling by an inline style sheet, which the page's policy forbids.
export function Menu({ trigger, children, align = 'end', ...state }: Props) {
  return (
    <Radix.Root modal={false} {...state}>
      <Radix.Trigger asChild>{trigger}</Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          align={align}
          sideOffset={4}
          collisionPadding={8}
          className="z-50 min-w-48 animate-rise rounded-2xl border border-line bg-raised p-1.5 shadow-float"
        >
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

export function MenuItem({
  icon,
  danger = false,
  children,
  ...rest
}: ComponentProps<typeof Radix.Item> & { icon?: ReactNode; danger?: boolean }) {
  return (
    <Radix.Item
      {...rest}
      className={cx(
        'flex min-h-11 cursor-pointer items-center gap-3 rounded-xl px-3 outline-none select-none sm:min-h-9',
        'data-highlighted:bg-hover data-disabled:opacity-50',
        danger && 'text-danger',
      )}
    >
      {icon}
      {children}
    </Radix.Item>
  );
}
