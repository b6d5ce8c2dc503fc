import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock, settle } from '@/lib/manual-clock';
import type { ClientFrame, ErrorFrame } from '@/protocol/types';
import { Outbox, type OutboxEntry } from './Outbox';
import { IndexedOutboxStorage, type OutboxStorage } from './OutboxStorage';

class MemoryStorage implements OutboxStorage {
  readonly rows = new Map<string, OutboxEntry>();
  async all() {
    return [...this.rows.values()];
  }
  async put(entry: OutboxEntry) {
    this.rows.set(entry.id, entry);
  }
  async remove(id: string) {
    this.rows.delete(id);
  }
}

type SendFrame = Extract<ClientFrame, { type: 'send' }>;
let clock: ManualClock;
let storage: MemoryStorage;
let sent: SendFrame[];
let living: Set<string>;
const at = '2026-01-01T00:00:00.000Z';

function outbox(tab = 'tab-1', user = 'me'): Outbox {
  return new Outbox({
    user,
    tab,
    storage,
    clock,
    random: () => 0,
    send: (frame) => sent.push(frame as SendFrame) > 0,
    ifTabGone: async (other, task) => {
      if (!living.has(other)) await task();
    },
  });
}
const say = (box: Outbox, text: string, conversation = 'c') =>
  box.enqueue(conversation, { kind: 'send', body: { text } });
const ack = (box: Outbox, index: number, seq = index + 1) => {
  const frame = sent[index];
  if (!frame) throw new Error(`nothing was sent as number ${index}`);
  box.receiveAck({ type: 'ack', client_msg_id: frame.client_msg_id, conversation: frame.conversation, seq, at });
};
const refuse = (
  box: Outbox,
  index: number,
  retryable: boolean,
  code: ErrorFrame['code'] = 'forbidden',
  retry_after_ms = 0,
) =>
  box.receiveError({
    type: 'error',
    code,
    retryable,
    detail: 'no',
    client_msg_id: sent[index]?.client_msg_id ?? '',
    retry_after_ms,
  });
const texts = () => sent.map((frame) => frame.body.text);

beforeEach(() => {
  clock = new ManualClock();
  storage = new MemoryStorage();
  sent = [];
  living = new Set();
});

describe('order', () => {
  it('sends one of a conversation after the other, and conversations beside each other', async () => {
    const box = outbox();
    box.setConnected(true);
    await say(box, 'a');
    await say(box, 'b');
    await say(box, 'other', 'd');
    expect(texts()).toEqual(['a', 'other']);
    ack(box, 0);
    expect(texts()).toEqual(['a', 'other', 'b']);
  });

  it('waits offline and sends everything in order afterwards', async () => {
    const box = outbox();
    for (const text of ['a', 'b', 'c']) await say(box, text);
    expect(sent).toEqual([]);
    box.setConnected(true);
    ack(box, 0);
    ack(box, 1);
    ack(box, 2);
    expect(texts()).toEqual(['a', 'b', 'c']);
    expect(storage.rows.size).toBe(0);
  });
});

describe('answers', () => {
  it('repeats an unanswered message under the same id', async () => {
    const box = outbox();
    box.setConnected(true);
    await say(box, 'a');
    await clock.advance(10_000);
    box.setConnected(false);
    box.setConnected(true);
    expect(new Set(sent.map((frame) => frame.client_msg_id)).size).toBe(1);
    expect(sent).toHaveLength(3);
  });

  it('tries again after a retryable refusal, before anything newer', async () => {
    const box = outbox();
    box.setConnected(true);
    await say(box, 'a');
    await say(box, 'b');
    refuse(box, 0, true, 'rate_limited', 4000);
    await clock.advance(3999);
    expect(texts()).toEqual(['a']);
    await clock.advance(1);
    expect(texts()).toEqual(['a', 'a']);
    expect(box.entries.get()[0]?.failure).toBeUndefined();
  });

  it('keeps a refused message with the reason, goes on with the next and can resend it under its id', async () => {
    const box = outbox();
    box.setConnected(true);
    await say(box, 'a');
    await say(box, 'b');
    refuse(box, 0, false);
    expect(texts()).toEqual(['a', 'b']);
    expect(box.entries.get()[0]?.failure).toEqual({ code: 'forbidden', detail: 'no' });
    ack(box, 1);
    box.resend(sent[0]?.client_msg_id ?? '');
    expect(sent[2]).toEqual(sent[0]);
    box.discard(sent[0]?.client_msg_id ?? '');
    await settle();
    expect(box.entries.get()).toEqual([]);
    expect(storage.rows.size).toBe(0);
  });

  it('takes back a refused reaction and says so', async () => {
    const box = outbox();
    const refused: string[] = [];
    box.refused.on(({ error }) => refused.push(error.code));
    box.setConnected(true);
    await box.enqueue('c', { kind: 'react', target: 1, emoji: '👍' });
    refuse(box, 0, false, 'not_found');
    expect(refused).toEqual(['not_found']);
    expect(box.entries.get()).toEqual([]);
  });

  it('is done with a message whose event came without an answer', async () => {
    const box = outbox();
    box.setConnected(true);
    await say(box, 'a');
    await say(box, 'b');
    box.seen(sent[0]?.client_msg_id ?? '');
    expect(texts()).toEqual(['a', 'b']);
  });
});

describe('reload', () => {
  it('sends what the tab before the reload had not, under the same id', async () => {
    await say(outbox(), 'a');
    const again = outbox();
    again.setConnected(true);
    await again.load();
    expect(sent.map((frame) => frame.client_msg_id)).toEqual([...storage.rows.keys()]);
  });

  it('takes over from a tab that is gone and leaves a living one alone', async () => {
    await say(outbox('gone'), 'from gone');
    await say(outbox('living'), 'from living');
    living.add('living');
    const box = outbox('new');
    box.setConnected(true);
    await box.load();
    expect(texts()).toEqual(['from gone']);
  });

  it("never sends another user's messages", async () => {
    await say(outbox('tab-1', 'somebody'), 'theirs');
    const box = outbox('tab-1', 'me');
    box.setConnected(true);
    await box.load();
    expect(sent).toEqual([]);
  });
});

it('keeps entries in IndexedDB', async () => {
  const real = new IndexedOutboxStorage();
  const entry: OutboxEntry = {
    id: 'x',
    user: 'me',
    owner: 'tab',
    conversation: 'c',
    order: 1,
    createdAt: at,
    operation: { kind: 'send', body: { text: 'hi' } },
  };
  await real.put(entry);
  expect(await new IndexedOutboxStorage().all()).toEqual([entry]);
  await real.remove('x');
  expect(await real.all()).toEqual([]);
});
