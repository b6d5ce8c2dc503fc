import { type ReactNode, useRef } from 'react';
import { Button } from './Button';

interface Props {
  label: string;
  onPick: (file: File) => void;
  busy: boolean;
  icon?: ReactNode;
}

export function PhotoPicker({ label, onPick, busy, icon }: Props) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <Button busy={busy} onClick={() => input.current?.click()}>
        {icon}
        {label}
      </Button>
      <input
        ref={input}
        type="file"
        accept="image/png,image/jpeg,image/webp"
        aria-label={label}
        hidden
        onChange={(event) => {
          const file = event.target.files?.[0];
          event.target.value = '';
          if (file) onPick(file);
        }}
      />
    </>
  );
}
