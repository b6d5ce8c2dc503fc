import { Popover } from 'radix-ui';
import type { ReactNode } from 'react';
import { t } from '@/i18n';

const emojis = '👍 ❤️ 😂 😮 😢 🙏 🎉 🔥 👀 ✅ ❌ 👏 💯 🚀 🤔 😍 😅 🙌 👋 ☕ 🐛 💡 ⏳ 🎯'.split(' ');

interface Props {
  trigger: ReactNode;
  onPick: (emoji: string) => void;
  onClose: () => void;
}

export default function ReactionPicker({ trigger, onPick, onClose }: Props) {
  return (
    <Popover.Root open onOpenChange={(open) => !open && onClose()}>
      <Popover.Anchor asChild>{trigger}</Popover.Anchor>
      <Popover.Portal>
        <Popover.Content
          aria-label={t.message.react}
          sideOffset={6}
          collisionPadding={8}
          className="z-50 grid animate-rise grid-cols-6 gap-0.5 rounded-2xl border border-line bg-raised p-1.5 shadow-float"
        >
          {emojis.map((emoji) => (
            <button
              key={emoji}
              type="button"
              aria-label={t.message.reactWith(emoji)}
              onClick={() => {
                onPick(emoji);
                onClose();
              }}
              className="flex size-11 items-center justify-center rounded-xl text-xl hover:bg-hover sm:size-10"
            >
              {emoji}
            </button>
          ))}
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}
