import type { User } from '@/protocol/types';

/** The `@name` being typed before the caret, if any. */
export function mentionAt(text: string, caret: number): { start: number; prefix: string } | undefined {
  const found = /(?:^|[\s(])@([\p{L}\p{N}._-]{0,32})$/u.exec(text.slice(0, caret));
  if (!found) return undefined;
  const prefix = found[1] ?? '';
  return { start: caret - prefix.length - 1, prefix: prefix.toLocaleLowerCase() };
}

/** Members whose username or name begins with the prefix. */
export function matching(members: readonly User[], prefix: string): User[] {
  return members
    .filter(
      (user) =>
        user.username.startsWith(prefix) ||
        user.display_name
          .toLocaleLowerCase()
          .split(/\s+/)
          .some((word) => word.startsWith(prefix)),
    )
    .slice(0, 6);
}

/** Whom a text mentions by `@username`. */
export function mentionedIn(text: string, members: readonly User[]): string[] {
  const names = new Set(
    [...text.matchAll(/(?<![\p{L}\p{N}])@([a-z0-9][a-z0-9._-]{2,31})/giu)].map(([, name]) =>
      (name ?? '').toLowerCase().replace(/[._-]+$/, ''),
    ),
  );
  return members.filter((user) => names.has(user.username)).map((user) => user.id);
}
