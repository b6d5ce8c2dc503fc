import { Copy, Pencil, Reply, SmilePlus, Trash2 } from 'lucide-react';
import type { ReactNode } from 'react';
import { Menu, MenuItem } from '@/components/ui/Menu';
import { showToast } from '@/components/ui/toast';
import { t } from '@/i18n';
import type { Message } from '@/protocol/types';
import type { MessageActions } from './MessageRow';

interface Props {
  trigger: ReactNode;
  onClose: () => void;
  message: Message;
  mine: boolean;
  canDelete: boolean;
  actions: MessageActions;
  onReact: () => void;
}

export default function MessageMenu({ trigger, onClose, message, mine, canDelete, actions, onReact }: Props) {
  const { text } = message.body;
  const copy = async () => {
    await navigator.clipboard.writeText(text ?? '');
    showToast({ text: t.message.copied });
  };
  return (
    <Menu trigger={trigger} open onOpenChange={(open) => !open && onClose()} align={mine ? 'end' : 'start'}>
      <MenuItem icon={<SmilePlus size={16} aria-hidden />} onSelect={() => setTimeout(onReact)}>
        {t.message.react}
      </MenuItem>
      <MenuItem icon={<Reply size={16} aria-hidden />} onSelect={() => actions.reply(message)}>
        {t.message.reply}
      </MenuItem>
      {text && 'clipboard' in navigator && (
        <MenuItem icon={<Copy size={16} aria-hidden />} onSelect={() => void copy()}>
          {t.message.copy}
        </MenuItem>
      )}
      {mine && (
        <MenuItem icon={<Pencil size={16} aria-hidden />} onSelect={() => actions.edit(message)}>
          {t.message.edit}
        </MenuItem>
      )}
      {(mine || canDelete) && (
        <MenuItem danger icon={<Trash2 size={16} aria-hidden />} onSelect={() => actions.remove(message)}>
          {t.message.delete}
        </MenuItem>
      )}
    </Menu>
  );
}
