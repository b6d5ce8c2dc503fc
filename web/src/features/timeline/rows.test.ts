import { describe, expect, it } from 'vitest';
import type { Message } from '@/protocol/types';
import type { OutboxEntry } from '@/state/Outbox';
import { buildRows } from './rows';

const message = (seq: number, author: string, at: string, more: Partial<Message> = {}): Message => ({
  seq,
  id: `id${seq}`,
  client_msg_id: `c${seq}`,
  author,
  kind: 'message',
  body: { text: `m${seq}` },
  at: new Date(at).toISOString(),
  ...more,
});
const entry = (id: string, operation: OutboxEntry['operation']): OutboxEntry => ({
  id,
  user: 'me',
  owner: 'tab',
  conversation: 'c',
  order: 1,
  createdAt: new Date('2026-01-02T10:05:00').toISOString(),
  operation,
});
const build = (messages: Message[], entries: OutboxEntry[] = [], newAfter?: number, reachesEnd = true) =>
  buildRows({ messages, entries, me: 'me', reachesBeginning: false, reachesEnd, newAfter });
const kinds = (rows: ReturnType<typeof build>) => rows.map((row) => row.type);

describe('rows', () => {
  it('begins each day with a separator', () => {
    const rows = build([
      message(1, 'bob', '2026-01-01T23:59:00'),
      message(2, 'bob', '2026-01-02T00:01:00'),
      message(3, 'bob', '2026-01-02T10:00:00'),
    ]);
    expect(kinds(rows)).toEqual(['day', 'message', 'day', 'message', 'message']);
  });

  it('joins messages of one author that are close in time', () => {
    const rows = build([
      message(1, 'bob', '2026-01-02T10:00:00'),
      message(2, 'bob', '2026-01-02T10:04:00'),
      message(3, 'bob', '2026-01-02T10:20:00'),
      message(4, 'me', '2026-01-02T10:20:10'),
    ]);
    const runs = rows.flatMap((row) => (row.type === 'message' ? [[row.first, row.last]] : []));
    expect(runs).toEqual([
      [true, false],
      [false, true],
      [true, true],
      [true, true],
    ]);
  });

  it('divides before the first new message of somebody else', () => {
    const messages = [
      message(1, 'bob', '2026-01-02T10:00:00'),
      message(2, 'me', '2026-01-02T10:01:00'),
      message(3, 'bob', '2026-01-02T10:02:00'),
    ];
    expect(kinds(build(messages, [], 1))).toEqual(['day', 'message', 'message', 'unread', 'message']);
    expect(kinds(build(messages, [], 3))).not.toContain('unread');
  });
});

describe('what is not answered yet', () => {
  const first = message(1, 'me', '2026-01-02T10:00:00');

  it('stands at the end, under a key that stays when it is taken', () => {
    const pending = build([first], [entry('c9', { kind: 'send', body: { text: 'new' } })]).at(-1);
    const taken = build([first, message(9, 'me', '2026-01-02T10:05:00')]).at(-1);
    expect(pending).toMatchObject({ type: 'message', key: 'c9', pending: { id: 'c9' } });
    expect(taken).toMatchObject({ type: 'message', key: 'c9' });
  });

  it('is shown once when the message is there before its answer', () => {
    expect(kinds(build([first], [entry('c1', { kind: 'send', body: { text: 'm1' } })]))).toEqual(['day', 'message']);
  });

  it('is not shown at the end of a stretch that is not the newest', () => {
    expect(kinds(build([first], [entry('c9', { kind: 'send', body: {} })], undefined, false))).toEqual([
      'day',
      'message',
    ]);
  });

  it('shows edits, reactions and deletions at once', () => {
    const shown = (operation: OutboxEntry['operation']) => {
      const row = build([first], [entry('x', operation)]).at(-1);
      return row?.type === 'message' ? row.message : undefined;
    };
    expect(shown({ kind: 'edit', target: 1, body: { text: 'edited' } })?.body.text).toBe('edited');
    expect(shown({ kind: 'react', target: 1, emoji: '👍' })?.reactions?.[0]).toMatchObject({ count: 1, mine: true });
    expect(shown({ kind: 'delete', target: 1 })).toMatchObject({ deleted: true, body: {} });
  });
});
