import { type Catalogue, en } from './en';

/** The languages there are. A second one is another catalogue here, and a choice of it in the settings. */
const catalogues: Record<string, Catalogue> = { en };

/** What the page says, in the person's language. */
export const t: Catalogue = catalogues[navigator.language.split('-')[0] ?? 'en'] ?? en;

/** What an error code means to a person. */
export function errorText(code: string): string {
  return t.errors[code] ?? t.errors.other ?? '';
}

/** Counts as the protocol has them: 100 means more than 99. */
export function countText(count: number): string {
  return count > 99 ? '99+' : String(count);
}
