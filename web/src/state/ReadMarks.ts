import type { Clock } from '@/lib/clock';
import { ThrottleLatest } from '@/lib/throttle-latest';
import type { ClientFrame } from '@/protocol/types';

/** Tells the server how far one has read and received, at most once a second for each conversation. */
export class ReadMarks {
  readonly #read = new Map<string, number>();
  readonly #delivered = new Map<string, number>();
  readonly #sendRead: ThrottleLatest<string, number>;
  readonly #sendDelivered: ThrottleLatest<string, number>;

  constructor(clock: Clock, send: (frame: ClientFrame) => boolean) {
    this.#sendRead = new ThrottleLatest(clock, 1000, (conversation, up_to) => {
      // What could not be said is said with the next message or after the next welcome.
      if (!send({ type: 'read', conversation, up_to })) this.#read.delete(conversation);
    });
    this.#sendDelivered = new ThrottleLatest(clock, 1000, (conversation, up_to) => {
      if (!send({ type: 'delivered', conversation, up_to })) this.#delivered.delete(conversation);
    });
  }

  /** False when it was already read up to there. */
  read(conversation: string, seq: number): boolean {
    if (seq <= (this.#read.get(conversation) ?? 0)) return false;
    this.#read.set(conversation, seq);
    this.#sendRead.push(conversation, seq);
    return true;
  }

  delivered(conversation: string, seq: number): void {
    if (seq <= Math.max(this.#delivered.get(conversation) ?? 0, this.#read.get(conversation) ?? 0)) return;
    this.#delivered.set(conversation, seq);
    this.#sendDelivered.push(conversation, seq);
  }

  /** Before the page goes: otherwise the last second of reading is lost. */
  flush(): void {
    this.#sendRead.flush();
    this.#sendDelivered.flush();
  }

  stop(): void {
    this.#sendRead.stop();
    this.#sendDelivered.stop();
  }
}
