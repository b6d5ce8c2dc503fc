import { MessageCircleOff } from 'lucide-react';
import { type DragEvent, Suspense, useEffect, useMemo, useState } from 'react';
import { Failed, Notice, Skeleton } from '@/components/ui/Notice';
import { Composer, type ComposerMode } from '@/features/composer/Composer';
import { useFileIntake } from '@/features/composer/use-file-intake';
import { Timeline } from '@/features/timeline/Timeline';
import { t } from '@/i18n';
import { lazyPart } from '@/lib/lazy-part';
import { useStore } from '@/lib/store';
import type { Conversation, Message } from '@/protocol/types';
import { useSession } from '@/state/session-context';
import { ChatHeader } from './ChatHeader';

const Confirm = lazyPart(async () => ({ default: (await import('@/components/ui/Dialog')).Confirm }));
const InfoPanel = lazyPart(() => import('@/features/members/InfoPanel'));

/** One conversation: header, messages, composer, details. */
export function ConversationScreen({ id }: { id: string }) {
  const session = useSession();
  const { phase, byId } = useStore(session.list.state);
  const conversation = byId.get(id);
  if (conversation) return <Chat key={id} conversation={conversation} />;
  if (phase === 'failed') return <Failed title={t.list.failed} onRetry={() => void session.refreshList()} />;
  if (phase === 'loading') return <TimelineSkeleton />;
  return (
    <div className="flex h-full items-center justify-center">
      <Notice icon={<MessageCircleOff size={28} />} title={t.chat.gone} hint={t.chat.goneHint} />
    </div>
  );
}

function Chat({ conversation }: { conversation: Conversation }) {
  const session = useSession();
  const { id } = conversation;
  const phase = useStore(session.store(id).timeline, (timeline) => timeline.phase);
  const [mode, setMode] = useState<ComposerMode | undefined>(() => draftedReply(session, id));
  const [deleting, setDeleting] = useState<Message>();
  const [info, setInfo] = useState(false);
  const [dragging, setDragging] = useState(false);
  const addFiles = useFileIntake(id);

  useEffect(() => {
    void session.open(id).catch(() => undefined);
  }, [session, id]);

  const peer = conversation.peer?.id;
  useEffect(() => (peer ? session.presence.watch('open', [peer]) : undefined), [session, peer]);

  const actions = useMemo(
    () => ({
      reply: (message: Message) => setMode({ kind: 'reply', message }),
      edit: (message: Message) => setMode({ kind: 'edit', message }),
      remove: setDeleting,
      react: (message: Message, emoji: string) => {
        const mine = message.reactions?.some((reaction) => reaction.emoji === emoji && reaction.mine) ?? false;
        session.react(id, message.seq, emoji, !mine);
      },
    }),
    [session, id],
  );
  const editLast = () => {
    const { messages } = session.store(id).timeline.get();
    const last = messages.findLast(
      (message) => message.author === session.me.id && message.kind === 'message' && !message.deleted,
    );
    if (last) setMode({ kind: 'edit', message: last });
  };
  const endMode = () => {
    setMode(undefined);
    const draft = session.drafts.get(id);
    if (draft?.replyTo !== undefined) session.drafts.set(id, { text: draft.text });
  };
  const drop = {
    onDragOver: (event: DragEvent) => {
      if (!event.dataTransfer.types.includes('Files')) return;
      event.preventDefault();
      setDragging(true);
    },
    onDragLeave: (event: DragEvent) => {
      if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setDragging(false);
    },
    onDrop: (event: DragEvent) => {
      event.preventDefault();
      setDragging(false);
      addFiles(event.dataTransfer.files);
    },
  };

  return (
    <div className="flex h-full min-w-0">
      <section aria-label={t.timeline.label} className="relative flex min-w-0 flex-1 flex-col" {...drop}>
        <ChatHeader conversation={conversation} infoOpen={info} onInfo={() => setInfo(!info)} />
        {phase === 'ready' ? (
          <Timeline
            conversation={conversation}
            actions={actions}
            target={mode?.kind === 'edit' ? mode.message.seq : undefined}
          />
        ) : phase === 'failed' ? (
          <div className="flex flex-1 items-center justify-center">
            <Failed title={t.timeline.failed} onRetry={() => void session.open(id).catch(() => undefined)} />
          </div>
        ) : (
          <TimelineSkeleton />
        )}
        <Composer conversation={conversation} mode={mode} onModeEnd={endMode} onEditLast={editLast} />
        {dragging && (
          <div className="pointer-events-none absolute inset-3 z-30 flex items-center justify-center rounded-3xl border-2 border-dashed border-accent bg-paper/90 text-lg font-semibold">
            {t.composer.drop}
          </div>
        )}
      </section>
      {info && (
        <Suspense>
          <InfoPanel conversation={conversation} onClose={() => setInfo(false)} />
        </Suspense>
      )}
      {deleting && (
        <Suspense>
          <Confirm
            open
            onOpenChange={() => setDeleting(undefined)}
            title={t.message.deleteTitle}
            text={t.message.deleteText}
            action={t.message.delete}
            onConfirm={() => session.delete(id, deleting.seq)}
          />
        </Suspense>
      )}
    </div>
  );
}

function draftedReply(session: ReturnType<typeof useSession>, id: string): ComposerMode | undefined {
  const seq = session.drafts.get(id)?.replyTo;
  const message = session
    .store(id)
    .timeline.get()
    .messages.find((one) => one.seq === seq);
  return message ? { kind: 'reply', message } : undefined;
}

function TimelineSkeleton() {
  const widths = ['w-56', 'w-80', 'w-40', 'w-64', 'w-72'];
  return (
    <div
      role="status"
      aria-label={t.app.loading}
      className="mx-auto flex w-full max-w-4xl flex-1 flex-col justify-end gap-3 px-5 pb-4"
    >
      {widths.map((width, index) => (
        <Skeleton key={width} className={`h-11 max-w-full rounded-2xl ${width} ${index % 3 === 2 ? 'self-end' : ''}`} />
      ))}
    </div>
  );
}
