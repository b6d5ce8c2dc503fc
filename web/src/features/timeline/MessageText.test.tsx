import { render, screen } from '@testing-library/react';
import { expect, it } from 'vitest';
import { parseMarkdown } from '@/lib/markdown';
import { MessageText } from './MessageText';

const bob = { id: 'b', username: 'bob', display_name: 'Bob Kahn' };
const show = (text: string, mentions: string[] = []) =>
  render(<MessageText blocks={parseMarkdown(text)} mentions={mentions} users={new Map([['b', bob]])} me="me" />);

it('never makes elements of what was written', () => {
  const { container } = show('<img src=x onerror=alert(1)><b>hi</b>');
  expect(container.querySelector('img, b')).toBeNull();
  expect(container.textContent).toBe('<img src=x onerror=alert(1)><b>hi</b>');
});

it('opens links without giving the other page a hold on this one', () => {
  show('https://a.example/x');
  const link = screen.getByRole('link', { name: 'https://a.example/x' });
  expect(link.getAttribute('rel')).toContain('noopener');
  expect(link.getAttribute('target')).toBe('_blank');
});

it('names whom it mentions, and only those', () => {
  expect(show('@bob and @eve', ['b']).container.textContent).toBe('@Bob Kahn and @eve');
});
