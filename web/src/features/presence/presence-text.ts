import { t } from '@/i18n';
import { daysAgo, listStamp, timeOfDay } from '@/lib/dates';
import type { Presence } from '@/state/Presence';

/** Where somebody is, as far as they let others know. */
export function presenceText(presence: Presence | undefined, lastSeen: string | undefined): string {
  if (presence?.state === 'online') return t.chat.online;
  if (presence?.state === 'away') return t.chat.away;
  const seen = presence?.lastSeen ?? lastSeen;
  if (seen === undefined) return presence ? t.chat.offline : '';
  const date = new Date(seen);
  const now = new Date();
  const when = daysAgo(date, now) === 0 ? timeOfDay(date) : `${listStamp(date, now, t.timeline)}, ${timeOfDay(date)}`;
  return t.chat.lastSeen(when);
}
