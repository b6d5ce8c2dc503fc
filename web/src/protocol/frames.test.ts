import { readFileSync } from 'node:fs';
import type * as v from 'valibot';
import { expect, expectTypeOf, it } from 'vitest';
import { type event, type frame, parseServerFrame } from './frames';
import type { components } from './generated';

type Described = components['schemas']['ServerFrame'];
type DescribedEvent = Extract<Described, { type: 'event' }>;
/** These are only positions to this client. */
type Unshown = 'conversation_created' | 'conversation_deleted';

it('accepts every frame of the description', () => {
  expectTypeOf<Exclude<Described, { type: 'event' }>>().toExtend<v.InferInput<typeof frame>>();
  expectTypeOf<Exclude<DescribedEvent, { kind: Unshown }>>().toExtend<v.InferInput<typeof event>>();
});

const head = { type: 'event', conversation: 'c', epoch: 'e', rev: 1, seq: 2, at: 'now', actor: 'u' };
const parse = (value: unknown) => parseServerFrame(JSON.stringify(value));

it('takes null for absent, and drops fields it does not know', () => {
  const parsed = parse({
    ...head,
    kind: 'message',
    id: 'm',
    body: { text: 'hi', reply_to: null },
    client_msg_id: null,
    x: 1,
  });
  expect(parsed).toEqual({ ok: true, frame: { ...head, kind: 'message', id: 'm', body: { text: 'hi' } } });
});

it('keeps the position of an event that it does not know', () => {
  expect(parse({ ...head, kind: 'poll_opened', question: '?' })).toEqual({
    ok: true,
    frame: { ...head, kind: 'other' },
  });
});

it.each([
  ['nothing', ''],
  ['a list', '[]'],
  ['no type', '{}'],
  ['an unknown type', '{"type":"later"}'],
  ['a wrong field', '{"type":"pong","n":"1"}'],
  ['a number beyond the exact ones', '{"type":"receipt","conversation":"c","user":"u","read":9007199254740993}'],
  ['a negative position', '{"type":"receipt","conversation":"c","user":"u","read":-1}'],
  ['bytes', new ArrayBuffer(2)],
])('refuses %s', (_name, raw) => expect(parseServerFrame(raw).ok).toBe(false));

/** Today's client on yesterday's node: what version 1 said is kept in the crate that defines it. */
const said = readFileSync('../crates/chat-wire/tests/v1/server-frames.jsonl', 'utf8').trimEnd().split('\n');

it.each(said)('understands what version 1 said: %s', (line) => {
  const parsed = parseServerFrame(line);
  expect(parsed.ok).toBe(true);
  const { kind, type } = JSON.parse(line) as { kind?: string; type: string };
  if (type !== 'event') return;
  const shown = kind !== 'conversation_created' && kind !== 'conversation_deleted';
  expect(parsed.ok && parsed.frame.type === 'event' && parsed.frame.kind).toBe(shown ? kind : 'other');
});
