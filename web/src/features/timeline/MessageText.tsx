import { Fragment, memo, type ReactNode } from 'react';
import type { Block, Inline } from '@/lib/markdown';
import type { User } from '@/protocol/types';

interface Props {
  blocks: readonly Block[];
  /** Stands at the end of the last line, if the text ends in a paragraph. */
  tail?: ReactNode;
  /** Those whom the message mentions, by id; another `@name` is only text. */
  mentions: readonly string[] | undefined;
  users: ReadonlyMap<string, User>;
  me: string;
}

/** A message's text as React elements: no HTML is ever made of what a person wrote. */
export const MessageText = memo(function MessageText({ blocks, tail, mentions, users, me }: Props) {
  const mentioned = (name: string) => {
    const id = mentions?.find((one) => users.get(one)?.username === name);
    return id === undefined ? undefined : users.get(id);
  };
  const inline = (nodes: readonly Inline[]): ReactNode => nodes.map((node, index) => inlineOf(node, index));
  const inlineOf = (node: Inline, key: number): ReactNode => {
    switch (node.type) {
      case 'text':
        return <Fragment key={key}>{node.text}</Fragment>;
      case 'strong':
        return <strong key={key}>{inline(node.children)}</strong>;
      case 'em':
        return <em key={key}>{inline(node.children)}</em>;
      case 'del':
        return <del key={key}>{inline(node.children)}</del>;
      case 'code':
        return (
          <code key={key} className="rounded-md bg-ink/8 px-1 py-0.5 font-mono text-[0.86em]">
            {node.text}
          </code>
        );
      case 'link':
        return (
          <a
            key={key}
            href={node.href}
            target="_blank"
            rel="noopener noreferrer nofollow ugc"
            className="text-accent-strong underline underline-offset-2"
          >
            {node.text}
          </a>
        );
      case 'mention': {
        const user = mentioned(node.name);
        if (!user) return <Fragment key={key}>@{node.name}</Fragment>;
        const look = user.id === me ? 'rounded bg-mention px-0.5 font-semibold' : 'font-semibold text-accent-strong';
        return (
          <span key={key} className={look}>
            @{user.display_name}
          </span>
        );
      }
    }
  };
  const block = (node: Block, key: number): ReactNode => {
    switch (node.type) {
      case 'paragraph':
        return (
          <p key={key} className="whitespace-pre-wrap">
            {inline(node.children)}
            {node === blocks.at(-1) && tail}
          </p>
        );
      case 'code':
        return (
          <pre
            key={key}
            // biome-ignore lint/a11y/noNoninteractiveTabindex: a block that scrolls sideways must be reachable by keyboard
            tabIndex={0}
            className="my-1 overflow-x-auto rounded-lg bg-ink/8 px-3 py-2 font-mono text-[0.86em]"
          >
            {node.text}
          </pre>
        );
      case 'quote':
        return (
          <blockquote key={key} className="my-1 border-l-3 border-accent/50 pl-2.5">
            {node.children.map(block)}
          </blockquote>
        );
    }
  };
  return <div className="min-w-0 [overflow-wrap:anywhere]">{blocks.map(block)}</div>;
});
