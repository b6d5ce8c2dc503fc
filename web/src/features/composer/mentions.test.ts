import { expect, it } from 'vitest';
import { matching, mentionAt, mentionedIn } from './mentions';

const members = [
  { id: '1', username: 'ada', display_name: 'Ada Lovelace' },
  { id: '2', username: 'bob.k', display_name: 'Bob Kahn' },
];

it('finds the name being typed before the caret', () => {
  expect(mentionAt('hi @ad', 6)).toEqual({ start: 3, prefix: 'ad' });
  expect(mentionAt('hi @ad there', 6)).toEqual({ start: 3, prefix: 'ad' });
  expect(mentionAt('mail a@b', 8)).toBeUndefined();
  expect(mentionAt('@ada now', 8)).toBeUndefined();
});

it('offers people by username and by each part of the name', () => {
  expect(matching(members, 'ka').map((user) => user.id)).toEqual(['2']);
  expect(matching(members, '')).toHaveLength(2);
});

it('mentions the members named, also before punctuation, and no one else', () => {
  expect(mentionedIn('@bob.k. and @ada, not @eve or x@ada', members)).toEqual(['1', '2']);
  expect(mentionedIn('x@ada', members)).toEqual([]);
});
