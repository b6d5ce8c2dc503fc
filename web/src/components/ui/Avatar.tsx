import { cx } from '@/lib/cx';

/** Hues that stay apart and keep white text readable at this lightness. */
const hues = [188, 235, 275, 320, 20, 50, 130, 160];

function hueOf(id: string): number {
  let sum = 0;
  for (const char of id) sum = (sum * 31 + char.charCodeAt(0)) % 9973;
  return hues[sum % hues.length] ?? 188;
}

/** The colour of a person's name: the same everywhere, readable on both themes. */
export function nameColor(id: string): string {
  const hue = hueOf(id);
  return `light-dark(oklch(0.46 0.11 ${hue}), oklch(0.8 0.09 ${hue}))`;
}

function initials(name: string): string {
  const words = name.trim().split(/\s+/);
  const letters = words.length > 1 ? [words[0], words.at(-1)] : [words[0]];
  return letters
    .map((word) => Array.from(word ?? '')[0] ?? '')
    .join('')
    .toUpperCase();
}

const sizes = { sm: 'size-8 text-xs', md: 'size-11 text-base', lg: 'size-20 text-2xl' };

interface Props {
  id: string;
  name: string;
  src?: string | undefined;
  size?: keyof typeof sizes;
  presence?: 'online' | 'away' | undefined;
}

/** Beside a name, so it says nothing to screen readers. */
export function Avatar({ id, name, src, size = 'md', presence }: Props) {
  return (
    <span className="relative inline-flex shrink-0" aria-hidden="true">
      {src ? (
        <img src={src} alt="" className={cx('rounded-full bg-hover object-cover', sizes[size])} />
      ) : (
        <span
          className={cx('inline-flex items-center justify-center rounded-full font-bold text-[#fff]', sizes[size])}
          style={{ backgroundColor: `oklch(0.5 0.09 ${hueOf(id)})` }}
        >
          {initials(name)}
        </span>
      )}
      {presence && (
        <span
          className={cx(
            'absolute right-0 bottom-0 size-3 rounded-full border-2 border-paper',
            presence === 'online' ? 'bg-good' : 'bg-amber',
          )}
        />
      )}
    </span>
  );
}
