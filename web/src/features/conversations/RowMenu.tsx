import { Bell, BellOff, Pin, PinOff } from 'lucide-react';
import type { ReactNode } from 'react';
import { Menu, MenuItem } from '@/components/ui/Menu';
import { t } from '@/i18n';
import type { Conversation } from '@/protocol/types';
import { usePreferences } from './use-preferences';

interface Props {
  conversation: Conversation;
  trigger: ReactNode;
  onClose: () => void;
}

export default function RowMenu({ conversation, trigger, onClose }: Props) {
  const { muted, pinned } = conversation;
  const change = usePreferences(conversation.id);
  return (
    <Menu trigger={trigger} open onOpenChange={(open) => !open && onClose()}>
      <MenuItem
        icon={pinned ? <PinOff size={16} aria-hidden /> : <Pin size={16} aria-hidden />}
        onSelect={() => change({ pinned: !pinned })}
      >
        {pinned ? t.list.unpin : t.list.pin}
      </MenuItem>
      <MenuItem
        icon={muted ? <Bell size={16} aria-hidden /> : <BellOff size={16} aria-hidden />}
        onSelect={() => change({ muted: !muted })}
      >
        {muted ? t.list.unmute : t.list.mute}
      </MenuItem>
    </Menu>
  );
}
