/** Dates as a person reads them. `locale` undefined means the browser's own. */

export function dayKey(date: Date): string {
  return `${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()}`;
}

/** Whole calendar days from `date` to `now`, in local time, right across daylight saving changes. */
export function daysAgo(date: Date, now: Date): number {
  const midnight = (d: Date) => Date.UTC(d.getFullYear(), d.getMonth(), d.getDate());
  return Math.round((midnight(now) - midnight(date)) / 86_400_000);
}

export function timeOfDay(date: Date, locale?: string): string {
  return date.toLocaleTimeString(locale, { hour: 'numeric', minute: '2-digit' });
}

/** What a separator between two days says. */
export function dayLabel(date: Date, now: Date, words: { today: string; yesterday: string }, locale?: string): string {
  const age = daysAgo(date, now);
  if (age === 0) return words.today;
  if (age === 1) return words.yesterday;
  if (age > 1 && age < 7) return date.toLocaleDateString(locale, { weekday: 'long' });
  const sameYear = date.getFullYear() === now.getFullYear();
  return date.toLocaleDateString(locale, {
    weekday: 'short',
    day: 'numeric',
    month: 'long',
    ...(sameYear ? {} : { year: 'numeric' }),
  });
}

/** The short stamp in the conversation list: time today, weekday this week, else the date. */
export function listStamp(date: Date, now: Date, words: { yesterday: string }, locale?: string): string {
  const age = daysAgo(date, now);
  if (age <= 0) return timeOfDay(date, locale);
  if (age === 1) return words.yesterday;
  if (age < 7) return date.toLocaleDateString(locale, { weekday: 'short' });
  if (date.getFullYear() === now.getFullYear()) {
    return date.toLocaleDateString(locale, { day: 'numeric', month: 'short' });
  }
  return date.toLocaleDateString(locale, { day: 'numeric', month: 'numeric', year: '2-digit' });
}

export function fullStamp(date: Date, locale?: string): string {
  return date.toLocaleString(locale, { dateStyle: 'full', timeStyle: 'short' });
}
