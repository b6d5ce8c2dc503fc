import { useEffect, useState } from 'react';
import { pageInView } from '@/lib/page-in-view';
import type { ChatSession } from '@/state/ChatSession';

/**
 * After which message the "new messages" divider stands. It is set when a conversation is opened with unread ones, and
 * when the person looks away; it stays where it is while they read.
 */
export function useDivider(session: ChatSession, id: string): number | undefined {
  const [after, setAfter] = useState(() => {
    const conversation = session.list.get(id);
    return conversation && conversation.unread > 0 ? conversation.read_seq : undefined;
  });
  useEffect(
    () =>
      pageInView.subscribe(() => {
        const conversation = session.list.get(id);
        if (!conversation) return;
        if (!pageInView.get()) setAfter(conversation.read_seq);
        else if (conversation.unread === 0) setAfter(undefined);
      }),
    [session, id],
  );
  return after;
}
