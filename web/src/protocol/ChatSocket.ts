import type { Clock } from '@/lib/clock';
import { Emitter } from '@/lib/emitter';
import { Store } from '@/lib/store';
import { ApiError } from './ApiError';
import { backoffDelay } from './backoff';
import { SocketLink, type WebSocketLike } from './SocketLink';
import type { ClientFrame, ResumePoint, ServerFrame, Welcome } from './types';

export type SocketState =
  | { phase: 'idle' }
  | { phase: 'connecting'; attempt: number }
  | { phase: 'open' }
  | { phase: 'waiting'; attempt: number; until: number }
  | { phase: 'offline' }
  | { phase: 'stopped'; why: 'replaced' | 'forbidden' | 'signed_out' };

export interface ChatSocketParts {
  clock: Clock;
  /** In [0, 1). */
  random: () => number;
  openWebSocket: () => WebSocketLike;
  token: () => Promise<string>;
  /** A token newer than the one that was refused. */
  refreshToken: () => Promise<unknown>;
  deviceId: string;
  /** Where each conversation stands, for a resume. */
  resumePoints: () => ResumePoint[];
  isOnline: () => boolean;
}

const backoff = { baseMs: 500, capMs: 30_000 };
/** A connection that lived this long was a good one: the next attempt counts from 0 again. */
const goodAfterMs = 10_000;

/**
 * Keeps one live connection: connect, hello, resume, heartbeat, and the move to another node on `goaway`, where the new
 * socket is welcomed before the old one is let go.
 */
export class ChatSocket {
  readonly state = new Store<SocketState>({ phase: 'idle' });
  readonly welcomes = new Emitter<Welcome>();
  readonly frames = new Emitter<ServerFrame>();
  #current: SocketLink | undefined;
  /** The link that shall take over from `#current`. */
  #next: SocketLink | undefined;
  #session: string | undefined;
  #attempt = 0;
  #openedAt = 0;
  #running = false;
  #cancelTimer: (() => void) | undefined;
  /** Tells the answer of an outdated token request from the awaited one. */
  #generation = 0;

  constructor(private readonly parts: ChatSocketParts) {}

  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#connect();
  }

  stop(why?: 'signed_out'): void {
    this.#running = false;
    this.#letGo();
    this.state.set(why ? { phase: 'stopped', why } : { phase: 'idle' });
  }

  /** False when there is no open connection: the caller keeps what it wanted to say. */
  send(frame: ClientFrame): boolean {
    if (!this.#current?.welcomed) return false;
    this.#current.send(frame);
    return true;
  }

  /** The browser's network came or went. */
  networkChanged(): void {
    if (!this.#running) return;
    const { phase } = this.state.get();
    if (!this.parts.isOnline()) {
      this.#letGo();
      this.state.set({ phase: 'offline' });
    } else if (phase === 'offline' || phase === 'waiting') {
      this.retryNow();
    }
  }

  retryNow(): void {
    const { phase } = this.state.get();
    if (!this.#running && phase !== 'stopped') return;
    if (phase === 'open' || phase === 'connecting') return;
    this.#running = true;
    this.#attempt = 0;
    this.#letGo();
    this.#connect();
  }

  #connect(): void {
    if (!this.parts.isOnline()) {
      this.state.set({ phase: 'offline' });
      return;
    }
    this.state.set({ phase: 'connecting', attempt: this.#attempt });
    void this.#open((link) => {
      this.#current = link;
    });
  }

  async #open(assign: (link: SocketLink) => void): Promise<void> {
    const generation = ++this.#generation;
    let token: string;
    try {
      token = await this.parts.token();
    } catch (error) {
      if (generation !== this.#generation) return;
      if (error instanceof ApiError && error.status === 401) this.stop('signed_out');
      else if (!this.#current?.welcomed) this.#waitAndRetry();
      return;
    }
    if (generation !== this.#generation || !this.#running) return;
    const hello = (): ClientFrame => ({
      type: 'hello',
      token,
      device_id: this.parts.deviceId,
      ...(this.#session ? { resume: { session: this.#session, conversations: this.parts.resumePoints() } } : {}),
    });
    assign(
      new SocketLink(this.parts.openWebSocket(), hello, this.parts.clock, {
        welcome: (link, welcome) => this.#welcomed(link, welcome),
        frame: (link, frame) => this.#received(link, frame),
        closed: (link, code) => this.#closed(link, code),
      }),
    );
  }

  #welcomed(link: SocketLink, welcome: Welcome): void {
    if (link === this.#next) {
      this.#current?.close();
      this.#current = link;
      this.#next = undefined;
    }
    this.#session = welcome.session;
    this.#openedAt = this.parts.clock.now();
    this.state.set({ phase: 'open' });
    this.welcomes.emit(welcome);
  }

  #received(link: SocketLink, frame: ServerFrame): void {
    if (link !== this.#current && link !== this.#next) return;
    if (frame.type === 'goaway') {
      if (link === this.#current) this.#moveAfter(frame.reconnect_after_ms);
      return;
    }
    this.frames.emit(frame);
  }

  #moveAfter(ms: number): void {
    this.#cancelTimer?.();
    this.#cancelTimer = this.parts.clock.after(ms, () => {
      if (!this.#running || this.#next) return;
      void this.#open((link) => {
        this.#next = link;
      });
    });
  }

  #closed(link: SocketLink, code: number): void {
    if (link === this.#next) {
      this.#next = undefined;
      if (this.#current) this.#moveAfter(this.#delay());
      else this.#afterLoss(code);
      return;
    }
    if (link !== this.#current) return;
    this.#current = undefined;
    // The new link's hello replaces this one before its welcome is here: go on with the new one.
    if (this.#next) {
      this.#current = this.#next;
      this.#next = undefined;
      this.state.set({ phase: 'connecting', attempt: this.#attempt });
      return;
    }
    this.#afterLoss(code);
  }

  #afterLoss(code: number): void {
    if (!this.#running) return;
    if (code === 4409 || code === 4403) {
      this.#running = false;
      this.#letGo();
      this.state.set({ phase: 'stopped', why: code === 4409 ? 'replaced' : 'forbidden' });
      return;
    }
    if (this.#openedAt > 0 && this.parts.clock.now() - this.#openedAt >= goodAfterMs) this.#attempt = 0;
    this.#openedAt = 0;
    if (code === 4401) {
      this.#refreshAndRetry();
      return;
    }
    // Backing off after a rate limit starts where others arrive after some attempts.
    if (code === 4429) this.#attempt = Math.max(this.#attempt, 4);
    this.#waitAndRetry();
  }

  #refreshAndRetry(): void {
    const generation = ++this.#generation;
    this.state.set({ phase: 'connecting', attempt: this.#attempt });
    this.parts.refreshToken().then(
      () => {
        if (generation === this.#generation && this.#running) this.#waitAndRetry();
      },
      (error: unknown) => {
        if (generation !== this.#generation || !this.#running) return;
        if (error instanceof ApiError && error.status === 401) this.stop('signed_out');
        else this.#waitAndRetry();
      },
    );
  }

  #waitAndRetry(): void {
    if (!this.parts.isOnline()) {
      this.state.set({ phase: 'offline' });
      return;
    }
    const delay = this.#delay();
    this.state.set({ phase: 'waiting', attempt: this.#attempt, until: this.parts.clock.now() + delay });
    this.#cancelTimer?.();
    this.#cancelTimer = this.parts.clock.after(delay, () => this.#connect());
  }

  #delay(): number {
    return backoffDelay(backoff, this.#attempt++, this.parts.random());
  }

  #letGo(): void {
    this.#generation++;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#current?.close();
    this.#next?.close();
    this.#current = undefined;
    this.#next = undefined;
  }
}
