import { beforeEach, describe, expect, it, vi } from 'vitest';
import { ManualClock } from '@/lib/manual-clock';
import { ApiError } from './ApiError';
import { ChatSocket } from './ChatSocket';
import type { WebSocketLike } from './SocketLink';
import type { ClientFrame } from './types';

class FakeSocket implements WebSocketLike {
  bufferedAmount = 0;
  onopen: WebSocketLike['onopen'] = null;
  onmessage: WebSocketLike['onmessage'] = null;
  onclose: WebSocketLike['onclose'] = null;
  onerror: WebSocketLike['onerror'] = null;
  sent: ClientFrame[] = [];
  closed = false;

  send(data: string): void {
    this.sent.push(JSON.parse(data) as ClientFrame);
  }
  close(): void {
    this.closed = true;
  }
  say(frame: object): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }
  welcome(session = 's1', heartbeat = 30): void {
    this.onopen?.();
    this.say({
      type: 'welcome',
      session,
      node: 'n',
      heartbeat_seconds: heartbeat,
      user: 'u',
      resumed: [],
      reload: [],
      limits: { attachments: 10 },
      server_time: '2026-01-01T00:00:00.000Z',
    });
  }
  drop(code: number): void {
    this.onclose?.({ code, reason: '' });
  }
}

let clock: ManualClock;
let sockets: FakeSocket[];
let online: boolean;
let token: () => Promise<string>;
let refreshToken: ReturnType<typeof vi.fn<() => Promise<unknown>>>;
let socket: ChatSocket;
const at = (index: number): FakeSocket => {
  const found = sockets[index];
  if (!found) throw new Error(`there is no socket ${index}, but ${sockets.length}`);
  return found;
};

beforeEach(async () => {
  clock = new ManualClock();
  sockets = [];
  online = true;
  token = async () => 'token';
  refreshToken = vi.fn(async () => undefined);
  socket = new ChatSocket({
    clock,
    random: () => 0.5,
    openWebSocket: () => {
      const made = new FakeSocket();
      sockets.push(made);
      return made;
    },
    token: () => token(),
    refreshToken,
    deviceId: 'tab-1',
    resumePoints: () => [{ id: 'c1', epoch: 'e', rev: 7 }],
    isOnline: () => online,
  });
  socket.start();
  await clock.advance(0);
});

describe('the session', () => {
  it('says hello first and is open with the welcome', () => {
    expect(socket.send({ type: 'ping', n: 1 })).toBe(false);
    at(0).welcome();
    expect(at(0).sent).toEqual([{ type: 'hello', token: 'token', device_id: 'tab-1' }]);
    expect(socket.state.get()).toEqual({ phase: 'open' });
    expect(socket.send({ type: 'ping', n: 1 })).toBe(true);
  });

  it('resumes with the last session and the positions', async () => {
    at(0).welcome('first');
    at(0).drop(1012);
    await clock.advance(500);
    at(1).onopen?.();
    expect(at(1).sent[0]).toMatchObject({
      resume: { session: 'first', conversations: [{ id: 'c1', epoch: 'e', rev: 7 }] },
    });
  });

  it('gives up a handshake that is never answered', async () => {
    at(0).onopen?.();
    await clock.advance(10_000);
    expect(at(0).closed).toBe(true);
    expect(socket.state.get().phase).toBe('waiting');
  });

  it('drops frames that do not fit and stays', () => {
    vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const seen: unknown[] = [];
    socket.frames.on((frame) => seen.push(frame));
    at(0).welcome();
    at(0).onmessage?.({ data: '{"type":"ack","seq":-1}' });
    at(0).onmessage?.({ data: 'not json' });
    at(0).say({ type: 'pong', n: 1, new_field: true });
    expect(seen).toEqual([{ type: 'pong', n: 1 }]);
    expect(socket.state.get()).toEqual({ phase: 'open' });
  });
});

describe('backoff', () => {
  it('waits a random part of a doubling delay up to its cap', async () => {
    const delays: number[] = [];
    for (let attempt = 0; attempt < 9; attempt++) {
      at(attempt).drop(1006);
      const state = socket.state.get();
      if (state.phase !== 'waiting') throw new Error(`the phase is ${state.phase}`);
      const delay = state.until - clock.now();
      delays.push(delay);
      await clock.advance(delay);
    }
    expect(delays).toEqual([250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);
  });

  it('begins again after a connection that lived, not after one that was lost at once', async () => {
    at(0).drop(1006);
    await clock.advance(250);
    at(1).welcome();
    at(1).drop(1006);
    expect(socket.state.get()).toMatchObject({ attempt: 2 });
    await clock.advance(500);
    at(2).welcome();
    await clock.advance(15_000);
    at(2).drop(1006);
    expect(socket.state.get()).toMatchObject({ attempt: 1 });
  });

  it('starts higher after a rate limit', () => {
    at(0).welcome();
    at(0).drop(4429);
    expect(socket.state.get()).toMatchObject({ phase: 'waiting', until: clock.now() + 4000 });
  });
});

describe('heartbeat', () => {
  it('asks after an interval of silence and counts on for half of one', async () => {
    at(0).welcome('s', 30);
    await clock.advance(30_000);
    expect(at(0).sent.at(-1)).toEqual({ type: 'ping', n: 1 });
    at(0).say({ type: 'pong', n: 1 });
    await clock.advance(44_999);
    expect(socket.state.get().phase).toBe('open');
    await clock.advance(1);
    expect(at(0).closed).toBe(true);
    expect(socket.state.get().phase).toBe('waiting');
  });
});

describe('goaway', () => {
  beforeEach(async () => {
    at(0).welcome();
    at(0).say({ type: 'goaway', reconnect_after_ms: 2000, reason: 'drain' });
    await clock.advance(1999);
    expect(sockets).toHaveLength(1);
    await clock.advance(1);
  });

  it('is welcomed by the new socket before it leaves the old one', () => {
    expect(at(0).closed).toBe(false);
    expect(socket.send({ type: 'ping', n: 5 })).toBe(true);
    expect(at(0).sent.at(-1)).toEqual({ type: 'ping', n: 5 });
    at(1).welcome('s2');
    expect(at(0).closed).toBe(true);
    expect(socket.state.get()).toEqual({ phase: 'open' });
    socket.send({ type: 'ping', n: 6 });
    expect(at(1).sent.at(-1)).toEqual({ type: 'ping', n: 6 });
  });

  it('does not take the replacement of its own old socket for another tab', () => {
    at(1).onopen?.();
    at(0).drop(4409);
    expect(socket.state.get().phase).toBe('connecting');
    at(1).welcome('s2');
    expect(socket.state.get()).toEqual({ phase: 'open' });
  });

  it('stays where it is while the new node does not answer, and tries again', async () => {
    at(1).drop(1006);
    expect(socket.state.get()).toEqual({ phase: 'open' });
    await clock.advance(250);
    at(2).welcome('s3');
    expect(at(0).closed).toBe(true);
  });
});

describe('ends', () => {
  it('refreshes the token after 4401 and comes back', async () => {
    at(0).welcome();
    at(0).drop(4401);
    await clock.advance(500);
    expect(refreshToken).toHaveBeenCalledOnce();
    expect(sockets).toHaveLength(2);
  });

  it('is signed out when the refresh is refused', async () => {
    refreshToken.mockRejectedValue(new ApiError('unauthenticated', 401, ''));
    at(0).welcome();
    at(0).drop(4401);
    await clock.advance(60_000);
    expect(socket.state.get()).toEqual({ phase: 'stopped', why: 'signed_out' });
    expect(sockets).toHaveLength(1);
  });

  it.each([
    [4409, 'replaced'],
    [4403, 'forbidden'],
  ])('stops after %i', async (code, why) => {
    at(0).welcome();
    at(0).drop(code);
    await clock.advance(120_000);
    expect(socket.state.get()).toEqual({ phase: 'stopped', why });
    expect(sockets).toHaveLength(1);
  });
});

describe('network', () => {
  it('does not try while offline and comes back at once', async () => {
    at(0).welcome();
    online = false;
    socket.networkChanged();
    expect(socket.state.get()).toEqual({ phase: 'offline' });
    await clock.advance(120_000);
    expect(sockets).toHaveLength(1);
    online = true;
    socket.networkChanged();
    await clock.advance(0);
    at(1).welcome();
    expect(socket.state.get()).toEqual({ phase: 'open' });
  });
});
