import { Check, Paperclip, SendHorizontal } from 'lucide-react';
import {
  type ClipboardEvent,
  type KeyboardEvent,
  useEffect,
  useId,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import { IconButton } from '@/components/ui/Button';
import { useMembers } from '@/features/members/use-members';
import { titleOf } from '@/features/people/names';
import { t } from '@/i18n';
import { cx } from '@/lib/cx';
import { useStore } from '@/lib/store';
import type { Conversation, Message, MessageBody, User } from '@/protocol/types';
import { useSession } from '@/state/session-context';
import { ComposerContext } from './ComposerContext';
import { MentionList } from './MentionList';
import { matching, mentionAt, mentionedIn } from './mentions';
import { UploadTray } from './UploadTray';
import { useFileIntake } from './use-file-intake';

export interface ComposerMode {
  kind: 'reply' | 'edit';
  message: Message;
}

interface Props {
  conversation: Conversation;
  mode: ComposerMode | undefined;
  onModeEnd: () => void;
  /** Arrow up in the empty field. */
  onEditLast: () => void;
}

const nobody: User[] = [];
const noUploads: never[] = [];

export function Composer({ conversation, mode, onModeEnd, onEditLast }: Props) {
  const session = useSession();
  const { id } = conversation;
  const field = useRef<HTMLTextAreaElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  const listId = useId();
  const [text, setText] = useState(() => session.drafts.get(id)?.text ?? '');
  const [caret, setCaret] = useState(0);
  const [active, setActive] = useState(0);
  const [dismissed, setDismissed] = useState<number>();
  const uploads = useStore(session.uploads.trays, (trays) => trays.get(id) ?? noUploads);
  const limits = useStore(session.limits);
  const addFiles = useFileIntake(id);

  const isGroup = conversation.kind === 'group';
  const { members } = useMembers(id, isGroup);
  const people = useMemo(
    () => (isGroup ? members.map((member) => member.profile).filter((user) => user.id !== session.me.id) : nobody),
    [isGroup, members, session],
  );
  const asked = isGroup ? mentionAt(text, caret) : undefined;
  const offered = asked && asked.start !== dismissed ? matching(people, asked.prefix) : nobody;
  const chosen = Math.min(active, offered.length - 1);

  const editing = mode?.kind === 'edit' ? mode.message : undefined;
  useEffect(() => {
    if (editing) {
      setText(editing.body.text ?? '');
      setCaret(editing.body.text?.length ?? 0);
    }
    // A touch screen's keyboard comes only when it is asked for.
    if (mode || window.matchMedia('(pointer: fine)').matches) field.current?.focus();
  }, [editing, mode]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the height follows the text
  useLayoutEffect(() => {
    const element = field.current;
    if (!element) return;
    element.style.height = 'auto';
    element.style.height = `${Math.min(element.scrollHeight, window.innerHeight * 0.4)}px`;
  }, [text]);

  const change = (value: string, at: number) => {
    setText(value);
    setCaret(at);
    setActive(0);
    if (editing) return;
    session.drafts.set(id, draftOf(value, mode));
    session.typing.tell(id, value.trim() !== '');
  };
  const endMode = () => {
    if (editing) setText(session.drafts.get(id)?.text ?? '');
    onModeEnd();
    field.current?.focus();
  };

  const over = text.length - (limits.text_chars ?? Number.POSITIVE_INFINITY);
  const uploading = uploads.some((upload) => upload.state !== 'done');
  const hasContent =
    text.trim() !== '' || (!editing && uploads.length > 0) || (editing?.body.attachments?.length ?? 0) > 0;
  const sendable = hasContent && over <= 0 && (editing !== undefined || !uploading);

  const submit = () => {
    if (!sendable) return;
    const said = text.trim();
    const mentions = mentionedIn(said, people);
    const body: MessageBody = { ...(said ? { text: said } : {}), ...(mentions.length > 0 ? { mentions } : {}) };
    if (editing) {
      const { attachments, reply_to } = editing.body;
      if (said !== editing.body.text) {
        session.edit(id, editing.seq, {
          ...body,
          ...(attachments ? { attachments } : {}),
          ...(reply_to === undefined ? {} : { reply_to }),
        });
      }
      endMode();
      return;
    }
    const attachments = session.uploads.take(id);
    session.say(id, {
      ...body,
      ...(attachments.length > 0 ? { attachments } : {}),
      ...(mode ? { reply_to: mode.message.seq } : {}),
    });
    session.drafts.set(id, { text: '' });
    setText('');
    setCaret(0);
    if (mode) onModeEnd();
    field.current?.focus();
  };

  const insertMention = (user: User) => {
    if (!asked) return;
    const before = `${text.slice(0, asked.start)}@${user.username} `;
    change(before + text.slice(caret), before.length);
    requestAnimationFrame(() => field.current?.setSelectionRange(before.length, before.length));
  };

  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    // A key that ends the composition of a character is not for us.
    if (event.nativeEvent.isComposing) return;
    if (offered.length > 0 && onMentionKey(event)) return;
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      submit();
    } else if (event.key === 'Escape' && mode) {
      event.preventDefault();
      endMode();
    } else if (event.key === 'ArrowUp' && text === '' && !mode) {
      event.preventDefault();
      onEditLast();
    }
  };
  const onMentionKey = (event: KeyboardEvent): boolean => {
    const picked = offered[chosen];
    if (event.key === 'ArrowDown') setActive((chosen + 1) % offered.length);
    else if (event.key === 'ArrowUp') setActive((chosen - 1 + offered.length) % offered.length);
    else if (event.key === 'Escape') setDismissed(asked?.start);
    else if ((event.key === 'Enter' || event.key === 'Tab') && picked) insertMention(picked);
    else return false;
    event.preventDefault();
    return true;
  };
  const onPaste = (event: ClipboardEvent) => {
    if (event.clipboardData.files.length === 0) return;
    event.preventDefault();
    addFiles(event.clipboardData.files);
  };

  return (
    <div className="relative mx-auto w-full max-w-4xl px-2 pb-[max(0.5rem,env(safe-area-inset-bottom))] sm:px-4 sm:pb-4">
      {offered.length > 0 && <MentionList id={listId} people={offered} active={chosen} onPick={insertMention} />}
      <div className="rounded-3xl border border-line bg-surface p-1 focus-within:border-field">
        {mode && <ComposerContext mode={mode.kind} message={mode.message} onStop={endMode} />}
        {!editing && uploads.length > 0 && (
          <UploadTray
            uploads={uploads}
            onCancel={(upload) => session.uploads.cancel(id, upload)}
            onRetry={(upload) => session.uploads.retry(id, upload)}
          />
        )}
        <div className="flex items-end">
          <IconButton
            label={t.composer.attach}
            onClick={() => picker.current?.click()}
            disabled={editing !== undefined}
            className="rounded-full!"
          >
            <Paperclip size={20} aria-hidden />
          </IconButton>
          <input
            ref={picker}
            type="file"
            multiple
            hidden
            data-testid="file-picker"
            onChange={(event) => {
              addFiles(event.target.files ?? []);
              event.target.value = '';
            }}
          />
          <textarea
            ref={field}
            rows={1}
            value={text}
            aria-label={t.composer.label}
            placeholder={t.composer.placeholder(titleOf(conversation))}
            {...(offered.length > 0
              ? { 'aria-controls': listId, 'aria-activedescendant': `${listId}-${chosen}`, 'aria-autocomplete': 'list' }
              : {})}
            onChange={(event) => change(event.target.value, event.target.selectionStart)}
            onSelect={(event) => setCaret(event.currentTarget.selectionStart)}
            onBlur={() => session.typing.tell(id, false)}
            onKeyDown={onKeyDown}
            onPaste={onPaste}
            enterKeyHint="send"
            className="max-h-[40dvh] min-h-11 min-w-0 flex-1 resize-none bg-transparent px-1.5 py-2.5 text-base leading-6 outline-none placeholder:text-muted sm:min-h-10 sm:py-2 sm:text-[0.9375rem]"
          />
          <IconButton
            label={editing ? t.composer.saveEdit : t.composer.send}
            onClick={submit}
            disabled={!sendable}
            title={uploading && !editing ? t.composer.uploading : editing ? t.composer.saveEdit : t.composer.send}
            className={cx('rounded-full!', sendable && 'bg-accent text-on-accent! hover:bg-accent-strong!')}
          >
            {editing ? <Check size={20} aria-hidden /> : <SendHorizontal size={20} aria-hidden />}
          </IconButton>
        </div>
      </div>
      {over > 0 && (
        <p role="alert" className="px-4 pt-1 text-sm text-danger">
          {t.composer.tooLong(over)}
        </p>
      )}
    </div>
  );
}

function draftOf(text: string, mode: ComposerMode | undefined) {
  return mode?.kind === 'reply' ? { text, replyTo: mode.message.seq } : { text };
}
