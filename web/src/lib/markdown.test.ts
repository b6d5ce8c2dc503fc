import { describe, expect, it } from 'vitest';
import { type Block, type Inline, parseMarkdown, plainText } from './markdown';

/** The tree in short: `<strong>` and so on are only notation here. */
const inline = (nodes: readonly Inline[]): string =>
  nodes
    .map((node) => {
      if (node.type === 'text') return node.text;
      if (node.type === 'code') return `<code>${node.text}</code>`;
      if (node.type === 'link') return `<a ${node.href}>`;
      if (node.type === 'mention') return `<@${node.name}>`;
      return `<${node.type}>${inline(node.children)}</${node.type}>`;
    })
    .join('');
const blocks = (nodes: readonly Block[]): string =>
  nodes
    .map((node) => {
      if (node.type === 'code') return `<pre>${node.text}</pre>`;
      if (node.type === 'quote') return `<quote>${blocks(node.children)}</quote>`;
      return inline(node.children);
    })
    .join('|');
const show = (text: string) => blocks(parseMarkdown(text));

describe('the subset', () => {
  it.each([
    [
      '**bold** and *italic* and _so_ and ~~gone~~',
      '<strong>bold</strong> and <em>italic</em> and <em>so</em> and <del>gone</del>',
    ],
    ['**bold with *italic* inside**', '<strong>bold with <em>italic</em> inside</strong>'],
    ['`**not bold**`', '<code>**not bold**</code>'],
    ['```ts\nlet a = "*";\n```\nafter', '<pre>let a = "*";</pre>|after'],
    ['> quoted\n> more\nmine', '<quote>quoted\nmore</quote>|mine'],
    ['two\n\nparagraphs stay one text', 'two\n\nparagraphs stay one text'],
    ['hi @ada.l, ask @bob_k.', 'hi <@ada.l>, ask <@bob_k>.'],
    ['mail me@example.org', 'mail me@example.org'],
    ['\\*not italic\\*', '*not italic*'],
    ['snake_case_name and 2*3*4', 'snake_case_name and 2<em>3</em>4'],
    ['a * b * c', 'a * b * c'],
  ])('reads %j', (text, expected) => expect(show(text)).toBe(expected));
});

describe('links', () => {
  it.each([
    ['see https://a.example/x.', 'see <a https://a.example/x>.'],
    ['(https://a.example/x)', '(<a https://a.example/x>)'],
    ['https://a.example/x_(y)', '<a https://a.example/x_(y)>'],
    ['https://', 'https://'],
    ['javascript:alert(1)', 'javascript:alert(1)'],
    ['data:text/html,<script>', 'data:text/html,<script>'],
    ['xhttps://a.example', 'xhttps://a.example'],
  ])('reads %j', (text, expected) => expect(show(text)).toBe(expected));
});

describe('hostile input', () => {
  it('keeps markup as text', () => {
    const text = '<img src=x onerror=alert(1)> <script>alert(1)</script> &lt;';
    expect(show(text)).toBe(text);
  });

  it.each([
    ['**', 4000],
    ['*a ', 2700],
    ['_a', 4000],
    ['`', 8000],
    ['~~a', 2700],
    ['> ', 4000],
    ['>'.repeat(50) + ' a\n', 150],
    ['```\n', 2000],
    ['http://(', 1000],
    ['@a', 4000],
    ['[', 8000],
    ['\\', 8000],
    ['*_~`', 2000],
  ])('reads %j many times in no time, and loses nothing that is not a mark', (unit, times) => {
    const start = performance.now();
    const tree = parseMarkdown(unit.repeat(times));
    expect(performance.now() - start).toBeLessThan(500);
    expect(blocks(tree).replace(/<[^>]*>|[^a(]/g, '').length).toBeLessThanOrEqual(unit.length * times);
  });
});

it('gives previews in one line without marks', () => {
  expect(plainText('**Hi**\n> there `you`\n@bob')).toBe('Hi there you @bob');
});
