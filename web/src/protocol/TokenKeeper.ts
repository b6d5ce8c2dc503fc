import { type Clock, systemClock } from '@/lib/clock';
import { Emitter } from '@/lib/emitter';
import { ApiError } from './ApiError';
import type { Me, SignedIn } from './types';

interface Grant {
  token: string;
  user: Me;
  /** Milliseconds since the Unix epoch. */
  expiresAt: number;
}

type TabMessage = { kind: 'grant'; grant: Grant } | { kind: 'signed_out' };

/** Runs one task at a time over all tabs. */
export type Exclusive = <T>(name: string, task: () => Promise<T>) => Promise<T>;

const webLock: Exclusive = (name, task) =>
  navigator.locks ? (navigator.locks.request(name, task) as ReturnType<typeof task>) : task();

/**
 * Holds the access token, in memory only. The refresh cookie rotates and using an old one ends the login everywhere, so
 * refreshing is single-flight within the tab and, by a Web Lock, over all tabs; tabs hand each other what they got.
 */
export class TokenKeeper {
  readonly signedOut = new Emitter<void>();
  readonly refreshed = new Emitter<Grant>();
  #grant: Grant | undefined;
  #flight: Promise<Grant> | undefined;
  #cancelRenewal: (() => void) | undefined;
  readonly #channel: BroadcastChannel | undefined;

  constructor(
    private readonly requestRefresh: () => Promise<SignedIn>,
    private readonly clock: Clock = systemClock,
    private readonly exclusive: Exclusive = webLock,
  ) {
    if (typeof BroadcastChannel === 'undefined') return;
    this.#channel = new BroadcastChannel('ec.auth');
    this.#channel.onmessage = (event: MessageEvent<TabMessage>) => this.#heard(event.data);
  }

  get user(): Me | undefined {
    return this.#grant?.user;
  }

  accept(answer: SignedIn): void {
    const grant = {
      token: answer.access_token,
      user: answer.user,
      expiresAt: this.clock.now() + answer.expires_in * 1000,
    };
    this.#hold(grant);
    this.#channel?.postMessage({ kind: 'grant', grant } satisfies TabMessage);
  }

  /** A token that lives for at least ten more seconds. Rejects with `unauthenticated` when the login is over. */
  async token(): Promise<string> {
    if (this.#grant && this.#grant.expiresAt > this.clock.now() + 10_000) return this.#grant.token;
    return (await this.refresh()).token;
  }

  /** A token newer than `stale`, which the server no longer takes. */
  refresh(stale: string | undefined = this.#grant?.token): Promise<Grant> {
    this.#flight ??= this.exclusive('ec.refresh', async () => {
      // Another tab may have refreshed while this one waited for its turn.
      if (this.#grant && this.#grant.token !== stale && this.#grant.expiresAt > this.clock.now() + 10_000) {
        return this.#grant;
      }
      try {
        this.accept(await this.requestRefresh());
      } catch (error) {
        if (error instanceof ApiError && error.status === 401) this.forget();
        throw error;
      }
      return this.#grant as Grant;
    }).finally(() => {
      this.#flight = undefined;
    });
    return this.#flight;
  }

  /** The login is over, here and in the other tabs. */
  forget(): void {
    this.#channel?.postMessage({ kind: 'signed_out' } satisfies TabMessage);
    this.#drop();
  }

  #drop(): void {
    const had = this.#grant !== undefined;
    this.#grant = undefined;
    this.#cancelRenewal?.();
    if (had) this.signedOut.emit();
  }

  #hold(grant: Grant): void {
    this.#grant = grant;
    this.#cancelRenewal?.();
    // The socket wants a fresh token before the old one is over.
    const lead = Math.max(5_000, grant.expiresAt - this.clock.now() - 60_000);
    this.#cancelRenewal = this.clock.after(lead, () => void this.refresh().catch(() => undefined));
    this.refreshed.emit(grant);
  }

  #heard(message: TabMessage): void {
    if (message.kind === 'signed_out') this.#drop();
    else if (this.#grant && this.#grant.user.id !== message.grant.user.id) this.#drop();
    else if (this.#grant) this.#hold(message.grant);
  }
}
