import type { Clock } from '@/lib/clock';
import { parseServerFrame } from './frames';
import type { ClientFrame, ServerFrame, Welcome } from './types';

/** The part of a browser's WebSocket that is used here. */
export interface WebSocketLike {
  readonly bufferedAmount: number;
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  onerror: (() => void) | null;
  send(data: string): void;
  close(code?: number, reason?: string): void;
}

export interface LinkEvents {
  welcome(link: SocketLink, welcome: Welcome): void;
  frame(link: SocketLink, frame: ServerFrame): void;
  /** Once, however the link ends. `code` is 1006 when the other side is just gone. */
  closed(link: SocketLink, code: number): void;
}

/** `hello` must be answered within this, or the attempt has failed. */
const handshakeMs = 10_000;

/** One WebSocket from its handshake to its end, with its heartbeat. It never reconnects: `ChatSocket` does. */
export class SocketLink {
  welcomed = false;
  #ended = false;
  #lastHeard: number;
  #pings = 0;
  #intervalMs = 30_000;
  #cancelTimer: () => void;

  constructor(
    private readonly socket: WebSocketLike,
    hello: () => ClientFrame,
    private readonly clock: Clock,
    private readonly events: LinkEvents,
  ) {
    this.#lastHeard = clock.now();
    this.#cancelTimer = clock.after(handshakeMs, () => this.#fail(1006));
    socket.onopen = () => this.send(hello());
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = ({ code }) => this.#fail(code);
    socket.onerror = null;
  }

  send(frame: ClientFrame): void {
    if (!this.#ended) this.socket.send(JSON.stringify(frame));
  }

  /** Ends it without a `closed` event. */
  close(): void {
    this.#end();
    this.socket.close(1000);
  }

  #receive(data: unknown): void {
    if (this.#ended) return;
    this.#lastHeard = this.clock.now();
    const parsed = parseServerFrame(data);
    if (!parsed.ok) {
      console.warn(`Dropped a frame that does not fit the protocol: ${parsed.why}`);
      return;
    }
    const { frame } = parsed;
    if (frame.type === 'welcome') {
      this.welcomed = true;
      this.#intervalMs = frame.heartbeat_seconds * 1000;
      this.#watch();
      this.events.welcome(this, frame);
      return;
    }
    this.events.frame(this, frame);
  }

  /** Quiet for an interval: ask. Quiet for one and a half: dead. */
  #watch(): void {
    this.#cancelTimer();
    const quiet = this.clock.now() - this.#lastHeard;
    if (quiet >= this.#intervalMs * 1.5) {
      this.#fail(4408);
      return;
    }
    if (quiet >= this.#intervalMs) {
      this.send({ type: 'ping', n: ++this.#pings });
      this.#cancelTimer = this.clock.after(this.#intervalMs * 1.5 - quiet, () => this.#watch());
      return;
    }
    this.#cancelTimer = this.clock.after(this.#intervalMs - quiet, () => this.#watch());
  }

  #fail(code: number): void {
    if (this.#ended) return;
    this.#end();
    this.socket.close();
    this.events.closed(this, code);
  }

  #end(): void {
    this.#ended = true;
    this.#cancelTimer();
    this.socket.onopen = null;
    this.socket.onmessage = null;
    this.socket.onclose = null;
  }
}
