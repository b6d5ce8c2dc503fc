import { describe, expect, it } from 'vitest';
import { dayLabel, daysAgo, listStamp } from './dates';

const words = { today: 'Today', yesterday: 'Yesterday' };
const now = new Date(2026, 2, 30, 12, 0);
const label = (date: Date) => dayLabel(date, now, words, 'en-GB');

describe('day separators', () => {
  it('go by the calendar, not by 24 hours', () => {
    expect(label(new Date(2026, 2, 30, 0, 1))).toBe('Today');
    expect(label(new Date(2026, 2, 29, 23, 59))).toBe('Yesterday');
    expect(label(new Date(2026, 2, 29, 0, 0))).toBe('Yesterday');
  });

  it('name the weekday within a week, then the date, with the year if it is another one', () => {
    expect(label(new Date(2026, 2, 24))).toBe('Tuesday');
    expect(label(new Date(2026, 2, 23))).toMatch(/Mon.* 23 March$/);
    expect(label(new Date(2025, 11, 31))).toContain('2025');
  });

  it('count whole days over the change to summer time', () => {
    expect(daysAgo(new Date(2026, 2, 28, 23, 0), new Date(2026, 2, 29, 23, 0))).toBe(1);
    expect(daysAgo(new Date(2026, 9, 24), new Date(2026, 9, 26))).toBe(2);
  });
});

it('stamps the list by age', () => {
  const stamp = (date: Date) => listStamp(date, now, words, 'en-GB');
  expect(stamp(new Date(2026, 2, 30, 9, 5))).toMatch(/^0?9:05/);
  expect(stamp(new Date(2026, 2, 29, 9, 5))).toBe('Yesterday');
  expect(stamp(new Date(2026, 2, 26))).toBe('Thu');
  expect(stamp(new Date(2026, 0, 2))).toBe('2 Jan');
});
