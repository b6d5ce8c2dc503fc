import { Store } from './store';

/** Is a person looking? True while the page is shown and its window has the focus. */
export const pageInView = new Store(isInView());

function isInView(): boolean {
  return typeof document !== 'undefined' && document.visibilityState === 'visible' && document.hasFocus();
}

if (typeof window !== 'undefined') {
  const update = () => pageInView.set(isInView());
  for (const name of ['focus', 'blur', 'pageshow', 'pagehide']) window.addEventListener(name, update);
  document.addEventListener('visibilitychange', update);
}
