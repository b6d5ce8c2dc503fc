import { Store } from '@/lib/store';
import { Api } from '@/protocol/Api';
import { ApiError } from '@/protocol/ApiError';
import type { Me } from '@/protocol/types';
import { ChatSession } from './ChatSession';
import { claimTabId } from './tab-id';

export type AccountState =
  | { phase: 'starting' }
  | { phase: 'unreachable' }
  | { phase: 'signed_out'; ended?: true }
  | { phase: 'signed_in'; me: Me; session: ChatSession };

/** Whether a refresh cookie may be there; the cookie itself cannot be seen from here. It spares strangers a 401. */
const hintKey = 'ec.signed-in';

/** Who is signed in. One for the page. */
export class Account {
  readonly api = new Api();
  readonly state = new Store<AccountState>({ phase: 'starting' });
  #tab: Promise<string> | undefined;

  constructor() {
    this.api.tokens.signedOut.on(() => this.#ended());
  }

  /** Takes up the login that the cookie stands for, if any. */
  async restore(): Promise<void> {
    if (readHint() === null) {
      this.state.set({ phase: 'signed_out' });
      return;
    }
    this.state.set({ phase: 'starting' });
    try {
      await this.#enter((await this.api.tokens.refresh()).user);
    } catch (error) {
      const refused = error instanceof ApiError && error.status === 401;
      if (refused) writeHint(false);
      this.state.set({ phase: refused ? 'signed_out' : 'unreachable' });
    }
  }

  async login(username: string, password: string): Promise<void> {
    await this.#enter(await this.api.login({ username, password }));
  }

  async register(account: { username: string; password: string; display_name?: string }): Promise<void> {
    await this.#enter(await this.api.register(account));
  }

  async logout(): Promise<void> {
    const state = this.state.get();
    if (state.phase === 'signed_in') state.session.drafts.clear();
    try {
      await this.api.logout();
    } finally {
      this.#leave();
    }
  }

  /** The profile was changed here. */
  changed(me: Me): void {
    this.state.update((state) => (state.phase === 'signed_in' ? { ...state, me } : state));
    const state = this.state.get();
    if (state.phase === 'signed_in') state.session.directory.learn([me]);
  }

  async #enter(me: Me): Promise<void> {
    this.#tab ??= claimTabId();
    const session = new ChatSession(this.api, me, await this.#tab);
    session.start();
    writeHint(true);
    this.state.set({ phase: 'signed_in', me, session });
  }

  #ended(): void {
    if (this.state.get().phase !== 'signed_in') return;
    this.#leave();
    this.state.set({ phase: 'signed_out', ended: true });
  }

  #leave(): void {
    const state = this.state.get();
    if (state.phase === 'signed_in') state.session.stop();
    writeHint(false);
    this.state.set({ phase: 'signed_out' });
  }
}

function readHint(): string | null {
  try {
    return localStorage.getItem(hintKey);
  } catch {
    return '';
  }
}

function writeHint(signedIn: boolean): void {
  try {
    if (signedIn) localStorage.setItem(hintKey, '1');
    else localStorage.removeItem(hintKey);
  } catch {
    // Then each start asks the server.
  }
}
