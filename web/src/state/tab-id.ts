import { uuid7 } from '@/lib/uuid7';

const key = 'ec.tab';
const lockName = (tab: string) => `ec.tab.${tab}`;

/**
 * The id of this tab: the same after a reload, another one in a duplicated tab (which copies the session storage).
 * A Web Lock held for the tab's life tells the others that it lives.
 */
export async function claimTabId(): Promise<string> {
  const stored = read();
  if (stored && (await claim(stored))) return stored;
  const made = uuid7();
  await claim(made);
  try {
    sessionStorage.setItem(key, made);
  } catch {
    // Without storage, a reload makes a new tab.
  }
  return made;
}

/** Runs `task` while it is sure that `tab` is gone; not at all if it lives. */
export async function ifTabGone(tab: string, task: () => Promise<void>): Promise<void> {
  if (!navigator.locks) return;
  await navigator.locks.request(lockName(tab), { ifAvailable: true }, async (lock) => {
    if (lock) await task();
  });
}

function claim(tab: string): Promise<boolean> {
  if (!navigator.locks) return Promise.resolve(true);
  return new Promise((resolve) => {
    void navigator.locks.request(lockName(tab), { ifAvailable: true }, (lock) => {
      resolve(lock !== null);
      return lock ? new Promise<never>(() => undefined) : undefined;
    });
  });
}

function read(): string | null {
  try {
    return sessionStorage.getItem(key);
  } catch {
    return null;
  }
}
