import { Store } from '@/lib/store';

export type Theme = 'system' | 'light' | 'dark';
const key = 'ec.theme';

function stored(): Theme {
  const value = document.documentElement.dataset.theme;
  return value === 'light' || value === 'dark' ? value : 'system';
}

/** The chosen theme. `public/theme.js` applies it before the first paint. */
export const theme = new Store<Theme>(stored());

export function chooseTheme(choice: Theme): void {
  theme.set(choice);
  if (choice === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = choice;
  try {
    localStorage.setItem(key, choice);
  } catch {
    // Then it lasts until the page is left.
  }
}
