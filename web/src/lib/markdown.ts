/**
 * The Markdown subset of messages, as a tree: bold, italic, strike, code, code blocks, quotes, links and mentions.
 * It never makes HTML, never throws, and takes time linear in the text (each delimiter searches ahead once for its end).
 */
export type Inline =
  | { type: 'text'; text: string }
  | { type: 'strong' | 'em' | 'del'; children: Inline[] }
  | { type: 'code'; text: string }
  | { type: 'link'; href: string; text: string }
  | { type: 'mention'; name: string };

export type Block =
  | { type: 'paragraph'; children: Inline[] }
  | { type: 'quote'; children: Block[] }
  | { type: 'code'; text: string };

const maxDepth = 6;

export function parseMarkdown(text: string): Block[] {
  return parseBlocks(text.replace(/\r\n?/g, '\n').split('\n'), 0);
}

function parseBlocks(lines: string[], depth: number): Block[] {
  const blocks: Block[] = [];
  let paragraph: string[] = [];
  const flush = () => {
    const joined = paragraph.join('\n').replace(/^\n+|\n+$/g, '');
    paragraph = [];
    if (joined.trim() !== '') blocks.push({ type: 'paragraph', children: parseInline(joined) });
  };

  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? '';
    if (/^```[\w+#.-]*\s*$/.test(line)) {
      const end = lines.findIndex((other, at) => at > index && other.trimEnd() === '```');
      if (end > index) {
        flush();
        blocks.push({ type: 'code', text: lines.slice(index + 1, end).join('\n') });
        index = end;
        continue;
      }
    }
    if (depth < maxDepth && /^> ?/.test(line)) {
      flush();
      const inner: string[] = [];
      while (index < lines.length && (lines[index] ?? '').startsWith('>')) {
        inner.push((lines[index] ?? '').replace(/^> ?/, ''));
        index++;
      }
      index--;
      blocks.push({ type: 'quote', children: parseBlocks(inner, depth + 1) });
      continue;
    }
    paragraph.push(line);
  }
  flush();
  return blocks;
}

const delimiters: { mark: string; type: 'strong' | 'em' | 'del' }[] = [
  { mark: '**', type: 'strong' },
  { mark: '~~', type: 'del' },
  { mark: '*', type: 'em' },
  { mark: '_', type: 'em' },
];

const wordChar = /[\p{L}\p{N}]/u;
const urlAt = /https?:\/\/[^\s<>"'`]+/uy;
const mentionAt = /@([a-z0-9][a-z0-9._-]{2,31})/iuy;

function parseInline(text: string, depth = 0): Inline[] {
  const out: Inline[] = [];
  let plain = '';
  // Marks that were once found to have no end after some place have none later either.
  const unclosed = new Set<string>();
  const flush = () => {
    if (plain) out.push({ type: 'text', text: plain });
    plain = '';
  };

  let at = 0;
  while (at < text.length) {
    const char = text[at] ?? '';
    const before = text[at - 1] ?? ' ';
    if (char === '\\' && /[*_~`>@\\]/.test(text[at + 1] ?? '')) {
      plain += text[at + 1];
      at += 2;
      continue;
    }
    if (char === '`' && !unclosed.has('`')) {
      const end = text.indexOf('`', at + 1);
      if (end > at + 1) {
        flush();
        out.push({ type: 'code', text: text.slice(at + 1, end) });
        at = end + 1;
        continue;
      }
      if (end < 0) unclosed.add('`');
    }
    if (char === 'h' && !wordChar.test(before)) {
      const link = match(urlAt, text, at)?.[0];
      if (link) {
        const href = trimUrl(link);
        if (isSafeUrl(href)) {
          flush();
          out.push({ type: 'link', href, text: href });
          at += href.length;
          continue;
        }
      }
    }
    if (char === '@' && !wordChar.test(before)) {
      const name = match(mentionAt, text, at)?.[1]?.replace(/[._-]+$/, '');
      if (name && name.length >= 3) {
        flush();
        out.push({ type: 'mention', name: name.toLowerCase() });
        at += name.length + 1;
        continue;
      }
    }
    const span = depth < maxDepth ? spanAt(text, at, before, unclosed) : undefined;
    if (span) {
      flush();
      out.push({ type: span.type, children: parseInline(span.inner, depth + 1) });
      at = span.end;
      continue;
    }
    plain += char;
    at++;
  }
  flush();
  return out;
}

function spanAt(text: string, at: number, before: string, unclosed: Set<string>) {
  for (const { mark, type } of delimiters) {
    if (!text.startsWith(mark, at) || unclosed.has(mark)) continue;
    const start = at + mark.length;
    if (/\s/.test(text[start] ?? ' ') || text[start] === mark[0]) continue;
    if (mark === '_' && wordChar.test(before)) continue;
    const end = closing(text, start, mark);
    if (end < 0) {
      unclosed.add(mark);
      continue;
    }
    return { type, inner: text.slice(start, end), end: end + mark.length };
  }
  return undefined;
}

function closing(text: string, from: number, mark: string): number {
  for (let end = text.indexOf(mark, from); end >= 0; end = text.indexOf(mark, end + 1)) {
    if (end === from || /\s/.test(text[end - 1] ?? ' ') || text[end - 1] === '\\') continue;
    const after = text[end + mark.length] ?? ' ';
    if (mark === '_' && wordChar.test(after)) continue;
    if (mark === '*' && (after === '*' || text[end - 1] === '*')) continue;
    return end;
  }
  return -1;
}

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

/** Punctuation at the end belongs to the sentence, a closing bracket only to a URL that opened one. */
function trimUrl(url: string): string {
  let end = url.length;
  const opensRound = url.includes('(');
  const opensSquare = url.includes('[');
  for (;;) {
    const last = url[end - 1] ?? '';
    if (/[.,;:!?*_~]/.test(last)) end--;
    else if (last === ')' && !opensRound) end--;
    else if (last === ']' && !opensSquare) end--;
    else return url.slice(0, end);
  }
}

function isSafeUrl(text: string): boolean {
  try {
    const url = new URL(text);
    return (url.protocol === 'https:' || url.protocol === 'http:') && url.hostname !== '';
  } catch {
    return false;
  }
}

/** The text without marks, for previews in one line. */
export function plainText(text: string): string {
  const inline = (nodes: Inline[]): string =>
    nodes
      .map((node) => {
        if ('children' in node) return inline(node.children);
        return node.type === 'mention' ? `@${node.name}` : node.text;
      })
      .join('');
  const block = (nodes: Block[]): string =>
    nodes
      .map((node) => {
        if (node.type === 'code') return node.text;
        return node.type === 'quote' ? block(node.children) : inline(node.children);
      })
      .join(' ');
  return block(parseMarkdown(text.slice(0, 400)))
    .replace(/\s+/g, ' ')
    .trim();
}
