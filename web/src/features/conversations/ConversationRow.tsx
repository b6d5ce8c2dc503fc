import { Link } from '@tanstack/react-router';
import { BellOff, MoreHorizontal, Pin } from 'lucide-react';
import { Suspense, useState } from 'react';
import { nameIn, titleOf, useUsers } from '@/features/people/names';
import { ConversationAvatar } from '@/features/people/PersonAvatar';
import { Ticks } from '@/features/timeline/Ticks';
import { countText, t } from '@/i18n';
import { cx } from '@/lib/cx';
import { listStamp } from '@/lib/dates';
import { lazyPart } from '@/lib/lazy-part';
import { plainText } from '@/lib/markdown';
import { useStore } from '@/lib/store';
import type { Conversation } from '@/protocol/types';
import { deliveryOf } from '@/state/Cursors';
import { useSession } from '@/state/session-context';
import { previewOf } from './preview';

const RowMenu = lazyPart(() => import('./RowMenu'));

export function ConversationRow({ conversation, selected }: { conversation: Conversation; selected: boolean }) {
  const session = useSession();
  const [menu, setMenu] = useState(false);
  const title = titleOf(conversation);
  const { unread, mentions, muted, pinned, last_message: last } = conversation;
  const stamp = last?.at ?? conversation.created_at;
  const options = t.list.options(title);

  return (
    <li className="group relative [contain-intrinsic-size:auto_4rem] [content-visibility:auto]">
      <Link
        to="/c/$id"
        params={{ id: conversation.id }}
        aria-current={selected ? 'page' : undefined}
        className={cx(
          'flex items-center gap-3 rounded-2xl px-3 py-2.5 outline-offset-[-2px]',
          selected ? 'bg-selected' : 'hover:bg-hover',
        )}
      >
        <ConversationAvatar conversation={conversation} />
        <span className="min-w-0 flex-1">
          <span className="flex items-baseline gap-2">
            <span className={cx('min-w-0 flex-1 truncate', unread > 0 ? 'font-bold' : 'font-semibold')}>{title}</span>
            <time
              dateTime={stamp}
              className={cx('shrink-0 text-xs', unread > 0 && !muted ? 'font-semibold text-accent' : 'text-muted')}
            >
              {listStamp(new Date(stamp), new Date(), t.timeline)}
            </time>
          </span>
          <span className="mt-0.5 flex min-h-5 items-center gap-1.5">
            <Preview conversation={conversation} mine={last?.author === session.me.id} />
            {muted && <BellOff size={14} className="shrink-0 text-muted" aria-label={t.list.muted} role="img" />}
            {pinned && <Pin size={14} className="shrink-0 text-muted" aria-label={t.list.pinned} role="img" />}
            {mentions > 0 && (
              <Badge strong label={t.list.mentions(countText(mentions))}>
                @
              </Badge>
            )}
            {unread > 0 && (
              <Badge strong={!muted} label={t.list.unread(countText(unread))}>
                {countText(unread)}
              </Badge>
            )}
          </span>
        </span>
      </Link>
      <div
        className={cx(
          'absolute top-1.5 right-2 rounded-lg bg-raised opacity-0 shadow-float focus-within:opacity-100 group-hover:opacity-100 max-md:hidden',
          menu && 'opacity-100',
        )}
      >
        {menu ? (
          <Suspense fallback={<MenuButton label={options} />}>
            <RowMenu
              conversation={conversation}
              onClose={() => setMenu(false)}
              trigger={<MenuButton label={options} />}
            />
          </Suspense>
        ) : (
          <MenuButton label={options} onClick={() => setMenu(true)} />
        )}
      </div>
    </li>
  );
}

function MenuButton({ label, ...rest }: { label: string; onClick?: () => void }) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      className="flex size-7 items-center justify-center"
      {...rest}
    >
      <MoreHorizontal size={16} aria-hidden />
    </button>
  );
}

function Preview({ conversation, mine }: { conversation: Conversation; mine: boolean }) {
  const session = useSession();
  const users = useUsers();
  const typists = useStore(session.typing.typists, (all) => all.get(conversation.id));
  const cursors = useStore(session.cursors.cursors, (all) => all.get(conversation.id));
  const pending = useStore(session.outbox.entries, (entries) =>
    entries.findLast((entry) => entry.conversation === conversation.id && entry.operation.kind === 'send'),
  );
  useStore(session.drafts.changed);
  const draft = session.drafts.get(conversation.id)?.text.trim();
  const last = conversation.last_message;

  if (typists?.length) {
    const who = conversation.kind === 'group' ? `${nameIn(users, typists[0] ?? '')} ` : '';
    return <span className="min-w-0 flex-1 truncate text-sm font-medium text-accent">{who + t.list.typing}</span>;
  }
  if (draft) {
    return (
      <span className="min-w-0 flex-1 truncate text-sm text-muted">
        <span className="font-semibold text-amber">{t.list.draft}</span> {plainText(draft)}
      </span>
    );
  }
  if (pending?.operation.kind === 'send') {
    return (
      <span className="flex min-w-0 flex-1 items-center gap-1 text-sm text-muted">
        <Ticks state={pending.failure ? 'failed' : 'waiting'} />
        <span className="truncate">
          {previewOf({ seq: 0, id: '', author: '', at: '', kind: 'message', body: pending.operation.body }, users)}
        </span>
      </span>
    );
  }
  if (!last) return <span className="min-w-0 flex-1 truncate text-sm text-muted">{t.list.noMessages}</span>;
  const ownMessage = mine && last.kind === 'message' && !last.deleted;
  const author =
    conversation.kind === 'group' && last.kind === 'message' && !mine ? `${nameIn(users, last.author)}: ` : '';
  return (
    <span className="flex min-w-0 flex-1 items-center gap-1 text-sm text-muted">
      {ownMessage && cursors && <Ticks state={deliveryOf(last.seq, last.author, cursors)} />}
      <span className={cx('truncate', last.deleted && 'italic')}>
        {ownMessage && !cursors && `${t.list.you} `}
        {author}
        {previewOf(last, users)}
      </span>
    </span>
  );
}

function Badge({ strong, label, children }: { strong: boolean; label: string; children: string }) {
  return (
    <span
      role="img"
      aria-label={label}
      className={cx(
        'inline-flex h-5 min-w-5 shrink-0 items-center justify-center rounded-full px-1.5 text-xs font-bold tabular-nums',
        strong ? 'bg-accent text-on-accent' : 'border border-field text-muted',
      )}
    >
      {children}
    </span>
  );
}
