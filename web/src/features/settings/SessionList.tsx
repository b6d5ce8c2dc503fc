import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { MonitorSmartphone } from 'lucide-react';
import { Button } from '@/components/ui/Button';
import { Failed, Skeleton } from '@/components/ui/Notice';
import { showToast } from '@/components/ui/toast';
import { errorText, t } from '@/i18n';
import { listStamp } from '@/lib/dates';
import { ApiError } from '@/protocol/ApiError';
import { useSession } from '@/state/session-context';

export function SessionList() {
  const { api } = useSession();
  const queries = useQueryClient();
  const { data, isPending, isError, refetch } = useQuery({ queryKey: ['sessions'], queryFn: api.sessions });
  const revoke = useMutation({
    mutationFn: api.revokeSession,
    onSettled: () => queries.invalidateQueries({ queryKey: ['sessions'] }),
    onError: (error) => showToast({ text: errorText(error instanceof ApiError ? error.code : 'other') }),
  });
  if (isPending) return <Skeleton className="h-12" />;
  if (isError) return <Failed title={t.settings.sessionsFailed} onRetry={() => void refetch()} />;
  return (
    <ul className="flex flex-col gap-1">
      {data.items.map(({ id, device_name, last_used_at, current }) => {
        const name = device_name ?? t.settings.unknownDevice;
        return (
          <li key={id} className="flex min-h-12 items-center gap-3">
            <MonitorSmartphone size={20} className="shrink-0 text-muted" aria-hidden />
            <span className="min-w-0 flex-1">
              <span className="block truncate font-medium">{name}</span>
              <span className="block text-sm text-muted">
                {current
                  ? t.settings.thisSession
                  : t.settings.lastUsed(listStamp(new Date(last_used_at), new Date(), t.timeline))}
              </span>
            </span>
            {!current && (
              <Button aria-label={t.settings.revokeFor(name)} onClick={() => revoke.mutate(id)}>
                {t.settings.revoke}
              </Button>
            )}
          </li>
        );
      })}
    </ul>
  );
}
