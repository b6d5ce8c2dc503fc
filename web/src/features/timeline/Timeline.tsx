import { useVirtualizer, type VirtualItem, type Virtualizer } from '@tanstack/react-virtual';
import { ArrowDown } from 'lucide-react';
import { type KeyboardEvent, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { systemText } from '@/features/conversations/preview';
import { titleOf, useUsers } from '@/features/people/names';
import { countText, t } from '@/i18n';
import { cx } from '@/lib/cx';
import { dayLabel } from '@/lib/dates';
import { pageInView } from '@/lib/page-in-view';
import { useStore } from '@/lib/store';
import type { Conversation } from '@/protocol/types';
import { deliveryOf } from '@/state/Cursors';
import { useSession } from '@/state/session-context';
import { type MessageActions, MessageRow } from './MessageRow';
import { buildRows, type Row } from './rows';
import { useDivider } from './use-divider';

interface Props {
  conversation: Conversation;
  actions: Omit<MessageActions, 'jump'>;
  /** The composer's reply or edit wants this message in view. */
  target: number | undefined;
}

/** Pixels before the edge at which the next page is asked for. */
const loadAheadPx = 1200;
/** Pixels from the end that still count as being there. */
const atEndPx = 60;
/** Milliseconds after a change of the view's size in which its scrolling is nobody's wish. */
const settleMs = 300;

export function Timeline({ conversation, actions, target }: Props) {
  const session = useSession();
  const { id } = conversation;
  const store = session.store(id);
  const timeline = useStore(store.timeline);
  const allEntries = useStore(session.outbox.entries);
  const cursors = useStore(session.cursors.cursors, (all) => all.get(id));
  const looking = useStore(pageInView);
  const divider = useDivider(session, id);
  const scroller = useRef<HTMLDivElement>(null);
  const [atEnd, setAtEnd] = useState(true);
  /** The newest message stays in view, whatever changes its size, until the person scrolls up. */
  const sticky = useRef(true);
  const lastTop = useRef(0);
  const resizedAt = useRef(0);
  const sizer = useRef<HTMLDivElement>(null);
  const [highlighted, setHighlighted] = useState<number>();

  const entries = useMemo(() => allEntries.filter((entry) => entry.conversation === id), [allEntries, id]);
  const rows = useMemo(
    () =>
      buildRows({
        messages: timeline.messages,
        entries,
        me: session.me.id,
        reachesBeginning: !timeline.hasOlder,
        reachesEnd: !timeline.hasNewer,
        newAfter: divider,
      }),
    [timeline.messages, timeline.hasOlder, timeline.hasNewer, entries, session, divider],
  );
  const bySeq = useMemo(() => new Map(timeline.messages.map((message) => [message.seq, message])), [timeline.messages]);

  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => estimate(rows[index]),
    getItemKey: (index) => rows[index]?.key ?? index,
    overscan: 8,
    paddingStart: 8,
    paddingEnd: 12,
    anchorTo: 'end',
    followOnAppend: !timeline.hasNewer,
    scrollEndThreshold: atEndPx,
  });
  virtualizer.shouldAdjustScrollPositionOnItemSizeChange = liesAbove;
  const items = virtualizer.getVirtualItems();
  const lastShown = items.at(-1)?.index ?? 0;

  // Opens at the first unread message, else at the end.
  const placed = useRef(false);
  useLayoutEffect(() => {
    if (placed.current || rows.length === 0) return;
    placed.current = true;
    const unread = rows.findIndex((row) => row.type === 'unread');
    sticky.current = unread < 0;
    if (unread >= 0) virtualizer.scrollToIndex(unread, { align: 'start' });
    else virtualizer.scrollToEnd();
  }, [rows, virtualizer]);

  const loadNear = useCallback(() => {
    const element = scroller.current;
    if (!element || !placed.current) return;
    const { scrollTop, scrollHeight, clientHeight } = element;
    if (scrollTop < loadAheadPx) void store.loadOlder();
    if (scrollHeight - scrollTop - clientHeight < loadAheadPx) void store.loadNewer();
  }, [store]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a page that came may not have been enough
  useEffect(loadNear, [loadNear, timeline.messages, timeline.hasOlder, timeline.hasNewer]);

  // What a person has on the screen, they have read.
  const readUpTo = useCallback(() => {
    const element = scroller.current;
    if (!element || !placed.current) return;
    const bottom = element.scrollTop + element.clientHeight;
    const near = element.scrollHeight - bottom <= atEndPx;
    if (near) sticky.current = true;
    else if (element.scrollTop < lastTop.current - 2 && performance.now() - resizedAt.current > settleMs)
      sticky.current = false;
    lastTop.current = element.scrollTop;
    setAtEnd(near || sticky.current);
    if (!pageInView.get()) return;
    const seen = virtualizer.getVirtualItems().findLast((item) => item.start + Math.min(item.size, 40) <= bottom);
    for (let index = seen?.index ?? -1; index >= 0; index--) {
      const row = rows[index];
      if (row && (row.type === 'message' || row.type === 'system') && !('pending' in row && row.pending)) {
        session.markRead(id, row.message.seq);
        return;
      }
    }
  }, [rows, session, id, virtualizer]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is looked at again when the page is, or rows are shown
  useEffect(readUpTo, [readUpTo, looking, lastShown]);

  // A composer that grows, a keyboard that opens or a turned phone must not hide the newest message.
  useEffect(() => {
    const observer = new ResizeObserver((changes) => {
      if (changes.some(({ target }) => target === scroller.current)) resizedAt.current = performance.now();
      if (placed.current && sticky.current) virtualizer.scrollToEnd();
    });
    for (const element of [scroller.current, sizer.current]) if (element) observer.observe(element);
    return () => observer.disconnect();
  }, [virtualizer]);

  const pendingJump = useRef<number>(undefined);
  const settleJump = useCallback(() => {
    const seq = pendingJump.current;
    const index = rows.findIndex((row) => row.type === 'message' && row.message.seq === seq);
    if (seq === undefined || index < 0) return;
    pendingJump.current = undefined;
    sticky.current = false;
    virtualizer.scrollToIndex(index, { align: 'center' });
    setHighlighted(seq);
  }, [rows, virtualizer]);
  useLayoutEffect(settleJump, [settleJump]);
  useEffect(() => {
    if (highlighted === undefined) return;
    const timer = setTimeout(() => setHighlighted(undefined), 1600);
    return () => clearTimeout(timer);
  }, [highlighted]);

  const jump = useCallback(
    (seq: number) => {
      pendingJump.current = seq;
      settleJump();
      if (pendingJump.current !== undefined) void session.reach(id, seq).catch(() => undefined);
    },
    [session, id, settleJump],
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: only a new target is a reason to go there
  useEffect(() => {
    if (target !== undefined) jump(target);
  }, [target]);

  const toEnd = async () => {
    if (timeline.hasNewer) await store.open().catch(() => undefined);
    sticky.current = true;
    virtualizer.scrollToEnd();
  };
  // What one says oneself is seen: wherever the list stands, it goes to the end.
  const newestOwn = entries.findLast((entry) => entry.operation.kind === 'send')?.id;
  useEffect(() => {
    if (newestOwn === undefined) return;
    sticky.current = true;
    if (store.timeline.get().hasNewer) void store.open().then(() => virtualizer.scrollToEnd());
    else virtualizer.scrollToEnd();
  }, [newestOwn, store, virtualizer]);

  const rowActions = useMemo(() => ({ ...actions, jump }), [actions, jump]);
  const group = conversation.kind === 'group';
  const canDelete = group && conversation.my_role !== 'member';

  return (
    <div className="relative min-h-0 flex-1">
      {timeline.degraded && (
        <p role="status" className="absolute inset-x-0 top-0 z-10 bg-mention px-4 py-1 text-center text-sm">
          {t.timeline.degraded}
        </p>
      )}
      <div
        ref={scroller}
        onScroll={() => {
          loadNear();
          readUpTo();
        }}
        onKeyDown={moveBetweenMessages}
        role="log"
        aria-label={t.timeline.label}
        aria-live="off"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
        tabIndex={0}
        className="h-full overflow-y-auto overscroll-contain outline-offset-[-2px] [overflow-anchor:none]"
      >
        <div className="flex min-h-full flex-col justify-end">
          <div
            ref={sizer}
            className="relative mx-auto w-full max-w-4xl shrink-0"
            style={{ height: virtualizer.getTotalSize() }}
          >
            {items.map((item) => {
              const row = rows[item.index];
              if (!row) return null;
              return (
                <div
                  key={item.key}
                  ref={virtualizer.measureElement}
                  data-index={item.index}
                  className="absolute inset-x-0 top-0"
                  style={{ transform: `translateY(${item.start}px)` }}
                >
                  {row.type === 'message' ? (
                    <MessageRow
                      row={row}
                      tick={
                        row.pending
                          ? row.pending.failure
                            ? 'failed'
                            : 'waiting'
                          : row.mine
                            ? deliveryOf(row.message.seq, row.message.author, cursors)
                            : undefined
                      }
                      group={group}
                      canDelete={canDelete}
                      quoted={
                        row.message.body.reply_to === undefined ? undefined : bySeq.get(row.message.body.reply_to)
                      }
                      highlighted={highlighted === row.message.seq}
                      actions={rowActions}
                    />
                  ) : (
                    <OtherRow row={row} conversation={conversation} />
                  )}
                </div>
              );
            })}
          </div>
        </div>
      </div>
      {(!atEnd || timeline.hasNewer) && (
        <button
          type="button"
          onClick={() => void toEnd()}
          aria-label={conversation.unread > 0 ? undefined : t.timeline.toEnd}
          className="absolute right-4 bottom-3 flex h-11 min-w-11 animate-rise items-center justify-center gap-2 rounded-full border border-line bg-raised px-3 font-semibold shadow-float hover:bg-hover"
        >
          {conversation.unread > 0 && <span>{t.timeline.newPill(countText(conversation.unread))}</span>}
          <ArrowDown size={18} aria-hidden />
        </button>
      )}
    </div>
  );
}

function OtherRow({ row, conversation }: { row: Exclude<Row, { type: 'message' }>; conversation: Conversation }) {
  const users = useUsers();
  switch (row.type) {
    case 'beginning':
      return (
        <p className="px-8 pt-8 pb-3 text-center text-balance text-muted">
          {conversation.kind === 'direct'
            ? t.timeline.beginningDirect(titleOf(conversation))
            : t.timeline.beginning(titleOf(conversation))}
        </p>
      );
    case 'day':
      return (
        <h3 className="flex justify-center pt-4 pb-1">
          <span className="rounded-full bg-hover px-3 py-1 text-xs font-semibold text-muted">
            {dayLabel(row.date, new Date(), t.timeline)}
          </span>
        </h3>
      );
    case 'unread':
      return (
        <div className="flex items-center gap-3 px-5 pt-4 pb-1 text-sm font-semibold text-amber">
          <span className="h-px flex-1 bg-amber/50" />
          {t.timeline.unread}
          <span className="h-px flex-1 bg-amber/50" />
        </div>
      );
    case 'system':
      return (
        <p className={cx('px-8 py-1.5 text-center text-sm text-balance text-muted')}>
          {systemText(row.message, users)}
        </p>
      );
  }
}

/**
 * What changes its size above the fold moves the list with it, so that what is read stays where it is. The virtualizer
 * alone does not do so while one scrolls up, which is when the first row of a run loses its head to the page before it.
 */
function liesAbove(item: VirtualItem, _delta: number, list: Virtualizer<HTMLDivElement, Element>): boolean {
  // The guess for a row at the fold was above it; what grows there later grows below.
  const edge = list.itemSizeCache.has(item.key) ? item.end : item.start + 1;
  return edge <= (list.scrollOffset ?? 0);
}

function estimate(row: Row | undefined): number {
  if (row?.type !== 'message') return 44;
  const { text, attachments } = row.message.body;
  const lines = Math.ceil((text?.length ?? 0) / 60);
  const pictures = attachments?.filter((file) => file.type.startsWith('image/')).length ?? 0;
  return 44 + lines * 21 + pictures * 222 + ((attachments?.length ?? 0) - pictures) * 66;
}

/** Arrow keys go from message to message; Tab goes into the toolbar of the one that has the focus. */
function moveBetweenMessages(event: KeyboardEvent<HTMLDivElement>): void {
  if (event.key !== 'ArrowUp' && event.key !== 'ArrowDown') return;
  if (event.altKey || event.ctrlKey || event.metaKey || !(event.target instanceof HTMLElement)) return;
  const articles = [...event.currentTarget.querySelectorAll<HTMLElement>('article')].sort(
    (a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top,
  );
  const current = event.target.closest('article');
  const at = current ? articles.indexOf(current) : articles.length;
  const next = articles[at + (event.key === 'ArrowUp' ? -1 : 1)];
  if (!next) return;
  event.preventDefault();
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: 'nearest' });
}
