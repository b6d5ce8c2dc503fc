import { X } from 'lucide-react';
import { useState } from 'react';
import { Button, IconButton } from '@/components/ui/Button';
import { Dialog } from '@/components/ui/Dialog';
import { PhotoPicker } from '@/components/ui/PhotoPicker';
import { Switch } from '@/components/ui/Switch';
import { TextField } from '@/components/ui/TextField';
import { showToast } from '@/components/ui/toast';
import { usePreferences } from '@/features/conversations/use-preferences';
import { usePhoto } from '@/features/files/use-photo';
import { titleOf } from '@/features/people/names';
import { ConversationAvatar } from '@/features/people/PersonAvatar';
import { errorText, t } from '@/i18n';
import { useMedia } from '@/lib/use-media';
import { ApiError } from '@/protocol/ApiError';
import type { Conversation } from '@/protocol/types';
import { useSession } from '@/state/session-context';
import { GroupEnd } from './GroupEnd';
import { MemberList } from './MemberList';

interface Props {
  conversation: Conversation;
  onClose: () => void;
}

/** A column beside the messages where there is room, else a sheet over them. */
export default function InfoPanel({ conversation, onClose }: Props) {
  const wide = useMedia('(min-width: 68rem)');
  const content = <Content conversation={conversation} />;
  if (!wide) {
    return (
      <Dialog open onOpenChange={(open) => !open && onClose()} title={t.members.title} shape="sheet">
        {content}
      </Dialog>
    );
  }
  return (
    <aside aria-label={t.members.title} className="flex w-80 shrink-0 flex-col border-l border-line">
      <header className="flex items-center py-2.5 pr-2 pl-5">
        <h2 className="flex-1 text-lg font-bold">{t.members.title}</h2>
        <IconButton label={t.app.close} onClick={onClose}>
          <X size={20} aria-hidden />
        </IconButton>
      </header>
      {content}
    </aside>
  );
}

function Content({ conversation }: { conversation: Conversation }) {
  const group = conversation.kind === 'group';
  const { peer } = conversation;
  return (
    <div className="min-h-0 flex-1 overflow-y-auto pb-6">
      <div className="flex flex-col items-center gap-2 px-5 pt-3 pb-5 text-center">
        <ConversationAvatar conversation={conversation} size="lg" />
        <p className="mt-1 max-w-full text-xl font-bold [overflow-wrap:anywhere]">{titleOf(conversation)}</p>
        <p className="text-muted">{group ? t.chat.members(conversation.member_count) : `@${peer?.username}`}</p>
        {peer?.status_text && <p className="text-balance">{peer.status_text}</p>}
      </div>
      {group && conversation.my_role !== 'member' && <GroupProfile conversation={conversation} />}
      <Preferences conversation={conversation} />
      {group && (
        <>
          <MemberList conversation={conversation} />
          <GroupEnd conversation={conversation} />
        </>
      )}
    </div>
  );
}

function Preferences({ conversation }: { conversation: Conversation }) {
  const change = usePreferences(conversation.id);
  return (
    <section aria-label={t.members.preferences} className="border-t border-line px-5 py-3">
      <Switch
        label={t.members.mute}
        hint={t.members.muteHint}
        checked={conversation.muted}
        onChange={(muted) => void change({ muted })}
      />
      <Switch label={t.members.pin} checked={conversation.pinned} onChange={(pinned) => void change({ pinned })} />
    </section>
  );
}

function GroupProfile({ conversation }: { conversation: Conversation }) {
  const session = useSession();
  const [title, setTitle] = useState(conversation.title ?? '');
  const [busy, setBusy] = useState(false);
  const update = async (change: { title?: string; avatar?: string }) => {
    session.learn(await session.api.updateConversation(conversation.id, change));
  };
  const photo = usePhoto((avatar) => update({ avatar }));
  const rename = async () => {
    setBusy(true);
    try {
      await update({ title: title.trim() });
    } catch (error) {
      showToast({ text: errorText(error instanceof ApiError ? error.code : 'other') });
    } finally {
      setBusy(false);
    }
  };
  return (
    <form
      className="flex flex-col gap-3 border-t border-line px-5 py-4"
      onSubmit={(event) => {
        event.preventDefault();
        void rename();
      }}
    >
      <TextField
        label={t.members.name}
        value={title}
        maxLength={100}
        onChange={(event) => setTitle(event.target.value)}
      />
      <div className="flex flex-wrap gap-2">
        <Button type="submit" busy={busy} disabled={title.trim() === '' || title.trim() === conversation.title}>
          {t.members.rename}
        </Button>
        <PhotoPicker label={t.members.photo} busy={photo.busy} onPick={photo.pick} />
      </div>
    </form>
  );
}
