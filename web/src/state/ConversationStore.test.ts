import { describe, expect, it } from 'vitest';
import type { EventFrame, Message, MessagePage } from '@/protocol/types';
import { ConversationStore, type LoadPage } from './ConversationStore';

const me = 'me';
const at = '2026-01-01T00:00:00.000Z';
const message = (seq: number, text = `m${seq}`): Message => ({
  seq,
  id: `id${seq}`,
  client_msg_id: `c${seq}`,
  author: 'bob',
  kind: 'message',
  body: { text },
  at,
});
type Change = { kind: string; [field: string]: unknown };
const event = (rev: number, seq: number, change: Change = { kind: 'message' }, epoch = 'e1') =>
  ({
    type: 'event',
    conversation: 'c',
    epoch,
    rev,
    seq,
    at,
    actor: 'bob',
    client_msg_id: `c${seq}`,
    ...(change.kind === 'message' ? { id: `id${seq}`, body: { text: `m${seq}` } } : {}),
    ...change,
  }) as EventFrame;
const page = (items: Message[], has_more = false): MessagePage => ({ items, has_more });

async function opened(items: Message[], more: LoadPage = async () => page([])) {
  let first = true;
  const store = new ConversationStore(me, async (position, limit) => {
    if (first) {
      first = false;
      return page(items, true);
    }
    return more(position, limit);
  });
  store.adopt({ epoch: 'e1', rev: 10 });
  await store.open();
  return { store, seqs: () => store.timeline.get().messages.map((m) => m.seq) };
}
const row = (store: ConversationStore, seq: number) => store.timeline.get().messages.find((m) => m.seq === seq);

describe('positions', () => {
  it('appends the next event and drops one it has', async () => {
    const { store, seqs } = await opened([message(1)]);
    expect(store.apply(event(11, 5))).toBe('applied');
    expect(store.apply(event(11, 5))).toBe('duplicate');
    expect(store.apply(event(9, 4))).toBe('duplicate');
    expect(seqs()).toEqual([1, 5]);
  });

  it('tells a hole and reads the missing messages and changes', async () => {
    const { store, seqs } = await opened([message(1)], async () =>
      page([message(1, 'changed'), message(3), message(5), message(7)]),
    );
    expect(store.apply(event(13, 7))).toBe('gap');
    await store.catchUp();
    expect(seqs()).toEqual([1, 3, 5, 7]);
    expect(row(store, 1)?.body.text).toBe('changed');
  });

  it('never shows a hole as if it were none: what is too far behind becomes a stretch that does not reach the end', async () => {
    const { store, seqs } = await opened([message(1)], async () => page([message(500), message(501)], true));
    expect(store.apply(event(900, 501))).toBe('gap');
    await store.catchUp();
    expect(seqs()).toEqual([1]);
    expect(store.timeline.get().hasNewer).toBe(true);
  });

  it('takes a new epoch as a gap, whatever its rev', async () => {
    const { store } = await opened([message(1)]);
    expect(store.apply(event(1, 9, { kind: 'message' }, 'e2'))).toBe('gap');
    expect(store.position).toEqual({ epoch: 'e2', rev: 1 });
    expect(store.apply(event(2, 10, { kind: 'message' }, 'e2'))).toBe('applied');
  });

  it('sees from a summary that it is behind, and is not thrown back by an old one', async () => {
    const { store } = await opened([]);
    expect(store.adopt({ epoch: 'e1', rev: 12 })).toBe('behind');
    expect(store.adopt({ epoch: 'e1', rev: 11 })).toBe('ahead');
    expect(store.position?.rev).toBe(12);
  });
});

describe('changes of messages', () => {
  it('applies edits in the order of their seq, whichever comes first', async () => {
    const { store } = await opened([message(1)]);
    store.apply(event(11, 4, { kind: 'edited', target: 1, body: { text: 'second' } }));
    store.change(event(0, 3, { kind: 'edited', target: 1, body: { text: 'first' } }));
    expect(row(store, 1)).toMatchObject({ body: { text: 'second' }, edited_at: at });
  });

  it('keeps a deleted message deleted', async () => {
    const { store } = await opened([message(1)]);
    store.apply(event(11, 4, { kind: 'deleted', target: 1 }));
    store.apply(event(12, 5, { kind: 'edited', target: 1, body: { text: 'late' } }));
    store.apply(event(13, 6, { kind: 'reaction_added', target: 1, emoji: '👍' }));
    store.insert(message(1));
    expect(row(store, 1)).toMatchObject({ deleted: true, body: {} });
    expect(row(store, 1)?.reactions).toBeUndefined();
  });

  it('counts a reaction once, and an older removal does not undo a newer one', async () => {
    const { store } = await opened([message(1)]);
    const add = { kind: 'reaction_added', target: 1, emoji: '👍' };
    store.apply(event(11, 4, add));
    store.apply(event(12, 5, { ...add, actor: me }));
    store.change(event(0, 5, { ...add, actor: me }));
    store.change(event(0, 3, { ...add, kind: 'reaction_removed' }));
    expect(row(store, 1)?.reactions).toEqual([{ emoji: '👍', count: 2, users: ['bob', me], mine: true }]);
    store.apply(event(13, 6, { ...add, kind: 'reaction_removed' }));
    store.apply(event(14, 7, { ...add, kind: 'reaction_removed', actor: me }));
    expect(row(store, 1)?.reactions).toBeUndefined();
  });

  it('applies again on a page what changed while the page was under way', async () => {
    let answer: (page: MessagePage) => void = () => undefined;
    const { store, seqs } = await opened([message(5)], () => new Promise((resolve) => (answer = resolve)));
    const loading = store.loadOlder();
    store.apply(event(11, 8, { kind: 'edited', target: 2, body: { text: 'edited' } }));
    store.apply(event(12, 9, { kind: 'deleted', target: 3 }));
    answer(page([message(2), message(3)]));
    await loading;
    expect(seqs()).toEqual([2, 3, 5]);
    expect(row(store, 2)?.body.text).toBe('edited');
    expect(row(store, 3)?.deleted).toBe(true);
  });

  it('does not lose an edit to the echo of the message', async () => {
    const { store } = await opened([]);
    store.insert({ ...message(3), author: me });
    store.change(event(0, 4, { kind: 'edited', target: 3, body: { text: 'edited' }, actor: me }));
    store.apply(event(11, 3, { kind: 'message', actor: me }));
    expect(row(store, 3)?.body.text).toBe('edited');
    expect(store.timeline.get().messages).toHaveLength(1);
  });
});

describe('a stretch that does not reach the end', () => {
  it('does not take live messages, so that no hole is shown as if it were none', async () => {
    const { store, seqs } = await opened([message(1)]);
    await store.open({ around: 1, lastSeq: 90 });
    expect(store.timeline.get().hasNewer).toBe(true);
    store.apply(event(11, 91));
    expect(seqs()).not.toContain(91);
  });
});

it('is failed when the first page does not come, and ready after another try', async () => {
  let broken = true;
  const store = new ConversationStore(me, async () => {
    if (broken) throw new Error('no');
    return page([message(1)]);
  });
  await store.open();
  expect(store.timeline.get().phase).toBe('failed');
  broken = false;
  await store.open();
  expect(store.timeline.get().phase).toBe('ready');
});
