import { Store } from '@/lib/store';

export interface Draft {
  text: string;
  replyTo?: number;
}

const prefix = 'ec.draft.';
const key = (user: string, conversation: string) => `${prefix}${user}.${conversation}`;

/** What was begun and not sent, by conversation. Kept in the local storage, so it survives a reload. */
export class Drafts {
  readonly changed = new Store(0);
  readonly #drafts = new Map<string, Draft | undefined>();

  constructor(private readonly user: string) {}

  get(conversation: string): Draft | undefined {
    if (!this.#drafts.has(conversation)) this.#drafts.set(conversation, read(key(this.user, conversation)));
    return this.#drafts.get(conversation);
  }

  set(conversation: string, draft: Draft): void {
    const kept = draft.text.trim() === '' && draft.replyTo === undefined ? undefined : draft;
    this.#drafts.set(conversation, kept);
    try {
      if (kept) localStorage.setItem(key(this.user, conversation), JSON.stringify(kept));
      else localStorage.removeItem(key(this.user, conversation));
    } catch {
      // Full or blocked: the draft lives as long as the page.
    }
    this.changed.update((version) => version + 1);
  }

  /** Nothing unsent stays behind on a computer that others use. */
  clear(): void {
    this.#drafts.clear();
    try {
      for (const name of Object.keys(localStorage)) {
        if (name.startsWith(key(this.user, ''))) localStorage.removeItem(name);
      }
    } catch {
      // Blocked: then nothing was stored either.
    }
  }
}

function read(name: string): Draft | undefined {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(name) ?? 'null');
    if (typeof value !== 'object' || value === null || !('text' in value) || typeof value.text !== 'string') return;
    const replyTo = 'replyTo' in value && typeof value.replyTo === 'number' ? { replyTo: value.replyTo } : {};
    return { text: value.text, ...replyTo };
  } catch {
    return undefined;
  }
}
