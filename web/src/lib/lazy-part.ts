import { type ComponentType, lazy } from 'react';

const againMs = 3_000;
const parts: (() => Promise<unknown>)[] = [];

/**
 * A part of the page that is loaded when it is first shown, or by `preloadParts`. If the server cannot be reached it is
 * tried again, instead of failing for good.
 */
// biome-ignore lint/suspicious/noExplicitAny: as in React's own declaration of `lazy`
export function lazyPart<T extends ComponentType<any>>(load: () => Promise<{ default: T }>) {
  parts.push(load);
  const untilLoaded = (): Promise<{ default: T }> =>
    load().catch(() => new Promise<void>((resolve) => setTimeout(resolve, againMs)).then(untilLoaded));
  return lazy(untilLoaded);
}

/** Loads all parts, one after the other: menus and dialogs open at once, and also when the server is away. */
export async function preloadParts(): Promise<void> {
  try {
    for (const load of parts) await load();
  } catch {
    // Those that are missing come when they are needed.
  }
}
