import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useMemo } from 'react';
import type { MemberProfile } from '@/protocol/types';
import { useSession } from '@/state/session-context';

/** The members of a group, page by page; read again when they change. */
export function useMembers(conversation: string, enabled = true) {
  const session = useSession();
  const queries = useQueryClient();
  const query = useInfiniteQuery({
    queryKey: ['members', conversation],
    queryFn: async ({ pageParam }) => {
      const page = await session.api.members(conversation, pageParam);
      session.directory.learn(page.items.map((item) => item.profile));
      return page;
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next,
    enabled,
    staleTime: 5 * 60_000,
  });
  useEffect(
    () =>
      session.membersChanged.on((id) => {
        if (id === conversation) void queries.invalidateQueries({ queryKey: ['members', id] });
      }),
    [session, queries, conversation],
  );
  const members = useMemo<MemberProfile[]>(() => query.data?.pages.flatMap((page) => page.items) ?? [], [query.data]);
  return { members, query };
}
