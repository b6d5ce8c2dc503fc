import { MoreHorizontal, Reply, SmilePlus } from 'lucide-react';
import { Suspense, useState } from 'react';
import { t } from '@/i18n';
import { cx } from '@/lib/cx';
import { lazyPart } from '@/lib/lazy-part';
import type { Message } from '@/protocol/types';
import type { MessageActions } from './MessageRow';

const MessageMenu = lazyPart(() => import('./MessageMenu'));
const ReactionPicker = lazyPart(() => import('./ReactionPicker'));

interface Props {
  row: { message: Message; mine: boolean };
  canDelete: boolean;
  actions: MessageActions;
}

/**
 * What can be done with a message: shown beside it on hover and focus. Where nothing hovers, it is always there as one
 * small button. Menus are loaded when first opened.
 */
export function MessageToolbar({ row: { message, mine }, canDelete, actions }: Props) {
  const [open, setOpen] = useState<'menu' | 'react'>();
  const close = () => setOpen(undefined);
  const react = (
    <ToolButton label={t.message.react} onClick={() => setOpen('react')}>
      <SmilePlus size={17} aria-hidden />
    </ToolButton>
  );
  const more = (
    <ToolButton label={t.message.actions} onClick={() => setOpen('menu')} always>
      <MoreHorizontal size={17} aria-hidden />
    </ToolButton>
  );
  return (
    <div
      className={cx(
        'absolute top-1/2 z-10 flex -translate-y-1/2 items-center rounded-xl',
        mine ? 'right-full mr-1' : 'left-full ml-1',
        'pointer-fine:invisible pointer-fine:border pointer-fine:border-line pointer-fine:bg-raised pointer-fine:shadow-float',
        'pointer-fine:group-hover:visible pointer-fine:group-focus-within:visible pointer-fine:group-focus:visible',
        open && 'pointer-fine:visible',
      )}
    >
      {open === 'react' ? (
        <Suspense fallback={react}>
          <ReactionPicker trigger={react} onClose={close} onPick={(emoji) => actions.react(message, emoji)} />
        </Suspense>
      ) : (
        react
      )}
      <ToolButton label={t.message.reply} onClick={() => actions.reply(message)}>
        <Reply size={17} aria-hidden />
      </ToolButton>
      {open === 'menu' ? (
        <Suspense fallback={more}>
          <MessageMenu
            trigger={more}
            onClose={close}
            message={message}
            mine={mine}
            canDelete={canDelete}
            actions={actions}
            onReact={() => setOpen('react')}
          />
        </Suspense>
      ) : (
        more
      )}
    </div>
  );
}

function ToolButton({
  label,
  always = false,
  ...rest
}: React.ComponentProps<'button'> & { label: string; always?: boolean }) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      {...rest}
      className={cx(
        'inline-flex size-8 items-center justify-center rounded-lg text-muted hover:bg-hover hover:text-ink',
        !always && 'pointer-coarse:hidden',
      )}
    />
  );
}
