import { beforeEach, expect, it, vi } from 'vitest';
import { ManualClock, settle } from '@/lib/manual-clock';
import { ApiError } from './ApiError';
import { type Exclusive, TokenKeeper } from './TokenKeeper';
import type { SignedIn } from './types';

const user = { id: 'u', username: 'ada', display_name: 'Ada', last_seen_visible: true, created_at: '' };
let clock: ManualClock;
let cookie: number;
/** The server: each refresh takes the newest cookie only. */
const refresh = vi.fn<() => Promise<SignedIn>>();
let turn: Promise<unknown>;
/** One lock over all tabs. */
const exclusive: Exclusive = (_name, task) => {
  const mine = turn.then(task, task);
  turn = mine.catch(() => undefined);
  return mine;
};

beforeEach(() => {
  clock = new ManualClock();
  cookie = 0;
  turn = Promise.resolve();
  refresh.mockReset();
  refresh.mockImplementation(async () => ({ user, access_token: `token-${++cookie}`, expires_in: 900 }));
});

it('refreshes once, however many ask', async () => {
  const keeper = new TokenKeeper(refresh, clock, exclusive);
  expect(await Promise.all([keeper.token(), keeper.token(), keeper.refresh()])).toMatchObject([
    'token-1',
    'token-1',
    {},
  ]);
  expect(refresh).toHaveBeenCalledOnce();
});

it('uses what another tab got while it waited for its turn', async () => {
  const one = new TokenKeeper(refresh, clock, exclusive);
  const other = new TokenKeeper(refresh, clock, exclusive);
  await one.token();
  await other.token();
  refresh.mockClear();
  const stale = await other.token();
  await one.refresh();
  // The message between tabs takes a turn of the event loop.
  await vi.waitFor(async () => expect(await other.token()).not.toBe(stale));
  await other.refresh(stale);
  expect(refresh).toHaveBeenCalledOnce();
});

it('renews a minute before the token is over', async () => {
  const keeper = new TokenKeeper(refresh, clock, exclusive);
  await keeper.token();
  await clock.advance(839_000);
  expect(refresh).toHaveBeenCalledTimes(1);
  await clock.advance(1_000);
  await settle();
  expect(refresh).toHaveBeenCalledTimes(2);
});

it('is signed out when the refresh is refused, but not when the server is away', async () => {
  const keeper = new TokenKeeper(refresh, clock, exclusive);
  const ended = vi.fn();
  keeper.signedOut.on(ended);
  await keeper.token();
  refresh.mockRejectedValueOnce(ApiError.network());
  await expect(keeper.refresh()).rejects.toMatchObject({ code: 'network' });
  expect(ended).not.toHaveBeenCalled();
  refresh.mockRejectedValueOnce(new ApiError('unauthenticated', 401, ''));
  await expect(keeper.refresh()).rejects.toMatchObject({ status: 401 });
  expect(ended).toHaveBeenCalledOnce();
});
