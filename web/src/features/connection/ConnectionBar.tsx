import { useEffect, useState } from 'react';
import { t } from '@/i18n';
import { useStore } from '@/lib/store';
import type { SocketState } from '@/protocol/ChatSocket';
import { useSession } from '@/state/session-context';

/** Shorter breaks are nobody's business. */
const quietMs = 2_000;

/** One line about the connection, once it has been away for a while. It covers nothing. */
export function ConnectionBar() {
  const { socket } = useSession();
  const state = useStore(socket.state);
  const well = state.phase === 'open';
  const [long, setLong] = useState(false);
  useEffect(() => {
    if (well) {
      setLong(false);
      return;
    }
    const timer = setTimeout(() => setLong(true), quietMs);
    return () => clearTimeout(timer);
  }, [well]);

  return (
    <div role="status">
      {long && !well && (
        <div className="flex min-h-9 items-center justify-center gap-3 bg-mention px-4 text-sm font-medium">
          <span>{textOf(state)}</span>
          {(state.phase === 'waiting' || state.phase === 'stopped') && (
            <button type="button" className="min-h-9 font-bold underline" onClick={() => socket.retryNow()}>
              {state.phase === 'stopped' ? t.connection.takeOver : t.connection.retry}
            </button>
          )}
        </div>
      )}
    </div>
  );
}

function textOf(state: SocketState): string {
  switch (state.phase) {
    case 'offline':
      return t.connection.offline;
    case 'waiting':
      return t.connection.waiting;
    case 'stopped':
      return state.why === 'replaced' ? t.connection.replaced : t.connection.forbidden;
    default:
      return t.connection.connecting;
  }
}
