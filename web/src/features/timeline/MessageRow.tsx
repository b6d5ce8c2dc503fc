import { memo, useMemo } from 'react';
import { nameColor } from '@/components/ui/Avatar';
import { Attachments } from '@/features/files/Attachments';
import { nameIn, useUsers } from '@/features/people/names';
import { PersonAvatar } from '@/features/people/PersonAvatar';
import { errorText, t } from '@/i18n';
import { cx } from '@/lib/cx';
import { fullStamp, timeOfDay } from '@/lib/dates';
import { parseMarkdown } from '@/lib/markdown';
import type { Message } from '@/protocol/types';
import { useSession } from '@/state/session-context';
import { MessageText } from './MessageText';
import { MessageToolbar } from './MessageToolbar';
import { Quote } from './Quote';
import { Reactions } from './Reactions';
import type { Row } from './rows';
import { type TickState, Ticks } from './Ticks';

export interface MessageActions {
  reply: (message: Message) => void;
  edit: (message: Message) => void;
  remove: (message: Message) => void;
  react: (message: Message, emoji: string) => void;
  jump: (seq: number) => void;
}

interface Props {
  row: Extract<Row, { type: 'message' }>;
  tick: TickState | undefined;
  group: boolean;
  canDelete: boolean;
  quoted: Message | undefined;
  highlighted: boolean;
  actions: MessageActions;
}

const onlyEmoji =
  /^(?:\p{Extended_Pictographic}(?:\uFE0F|\u200D\p{Extended_Pictographic}|[\u{1F3FB}-\u{1F3FF}])*\s*){1,3}$/u;

export const MessageRow = memo(function MessageRow(props: Props) {
  const { row, tick, group, quoted, highlighted, actions } = props;
  const { message, mine, first, last, pending } = row;
  const session = useSession();
  const users = useUsers();
  const author = nameIn(users, message.author);
  const { text, attachments, reply_to: replyTo } = message.body;
  const big = !message.deleted && !attachments?.length && text !== undefined && onlyEmoji.test(text.trim());
  const at = new Date(message.at);
  const blocks = useMemo(() => parseMarkdown(text ?? ''), [text]);
  const inLine = !big && !message.deleted && blocks.at(-1)?.type === 'paragraph';
  // Keeps a place at the end of the last line, where the real one lies.
  const room = (
    <span aria-hidden="true" className="invisible inline-flex h-3 gap-1 pl-3 text-xs select-none">
      {message.edited_at && <span>{t.timeline.edited}</span>}
      <span>{timeOfDay(at)}</span>
      {mine && tick && <span className="w-4.5" />}
    </span>
  );

  return (
    <article
      aria-label={`${mine ? t.timeline.you : author}, ${timeOfDay(at)}`}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys move between messages, whose toolbars open on focus
      tabIndex={0}
      data-seq={message.seq}
      className={cx(
        'group relative flex gap-2 px-3 outline-offset-[-2px] sm:px-5',
        mine ? 'justify-end' : 'justify-start',
        first ? 'pt-2.5' : 'pt-0.5',
        highlighted && 'rounded-2xl bg-selected transition-colors duration-700',
      )}
    >
      {group && !mine && (
        <span className="w-8 shrink-0 self-end">
          {last && <PersonAvatar user={users.get(message.author)} size="sm" />}
        </span>
      )}
      <div
        className={cx(
          'flex max-w-[min(85%,38rem)] min-w-0 flex-col pointer-coarse:max-w-[calc(100%-5rem)]',
          mine ? 'items-end' : 'items-start',
        )}
      >
        <div
          className={cx(
            'relative max-w-full min-w-0',
            big
              ? 'text-4xl leading-tight'
              : cx(
                  'rounded-2xl px-3.5 py-2',
                  mine ? 'bg-own [--muted:var(--own-muted)]' : 'bg-surface shadow-[0_1px_1px_oklch(0.2_0.02_200/0.07)]',
                  last && (mine ? 'rounded-br-md' : 'rounded-bl-md'),
                ),
            pending?.failure && 'outline outline-danger',
          )}
        >
          {group && !mine && first && (
            <p className="mb-0.5 text-sm font-semibold" style={{ color: nameColor(message.author) }}>
              {author}
            </p>
          )}
          {replyTo !== undefined && !message.deleted && (
            <Quote seq={replyTo} message={quoted} onJump={() => actions.jump(replyTo)} />
          )}
          {message.deleted ? (
            <p className="text-muted italic">{t.timeline.deleted}</p>
          ) : (
            <>
              {attachments && attachments.length > 0 && (
                <div className={text ? 'mb-1.5' : ''}>
                  <Attachments files={attachments} />
                </div>
              )}
              {text && (
                <MessageText
                  blocks={blocks}
                  tail={big ? undefined : room}
                  mentions={message.body.mentions}
                  users={users}
                  me={session.me.id}
                />
              )}
            </>
          )}
          <span
            className={cx(
              'flex items-center justify-end gap-1 text-xs text-muted tabular-nums select-none',
              inLine ? 'absolute right-3.5 bottom-1.5' : big ? 'mt-1' : '-mb-0.5',
            )}
          >
            {message.edited_at && <span>{t.timeline.edited}</span>}
            <time dateTime={message.at} title={fullStamp(at)}>
              {timeOfDay(at)}
            </time>
            {mine && tick && !message.deleted && <Ticks state={tick} />}
          </span>
          {!pending && !message.deleted && <MessageToolbar {...props} />}
        </div>
        {message.reactions && (
          <Reactions
            message={message}
            onToggle={(emoji) => actions.react(message, emoji)}
            align={mine ? 'end' : 'start'}
          />
        )}
        {pending?.failure && (
          <div role="alert" className="mt-1 flex flex-wrap items-center justify-end gap-x-3 text-sm text-danger">
            <span>{t.message.notSent(errorText(pending.failure.code))}</span>
            <button
              type="button"
              className="min-h-8 font-semibold underline"
              onClick={() => session.outbox.resend(pending.id)}
            >
              {t.message.resend}
            </button>
            <button
              type="button"
              className="min-h-8 font-semibold underline"
              onClick={() => session.outbox.discard(pending.id)}
            >
              {t.message.discard}
            </button>
          </div>
        )}
      </div>
    </article>
  );
});
