import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useSession } from '@/state/session-context';

/**
 * A signed address of a file. It is over soon, but what the browser has loaded from it stays; `renew` is for an image
 * that could not be loaded any more.
 */
export function useFileLink(id: string | undefined): { url: string | undefined; renew: () => void } {
  const { api, uploads } = useSession();
  const queries = useQueryClient();
  const local = id === undefined ? undefined : uploads.previews.get(id);
  const { data } = useQuery({
    queryKey: ['file-link', id],
    queryFn: () => api.fileLink(id ?? ''),
    enabled: id !== undefined && local === undefined,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 30 * 60_000,
    retry: 1,
  });
  const renew = () => {
    const age = Date.now() - (queries.getQueryState(['file-link', id])?.dataUpdatedAt ?? 0);
    // A link that is still good does not get better by asking again.
    if (age > 30_000) void queries.invalidateQueries({ queryKey: ['file-link', id] });
  };
  return { url: local ?? data?.url, renew };
}
