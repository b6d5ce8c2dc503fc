import type { Clock } from '@/lib/clock';
import { pageInView } from '@/lib/page-in-view';
import type { ClientFrame } from '@/protocol/types';

const awayAfterMs = 60_000;

/** A page that has not been looked at for a minute is away. The answer stops telling. */
export function tellAway(clock: Clock, send: (frame: ClientFrame) => boolean): () => void {
  let cancel: (() => void) | undefined;
  let away = false;
  const update = () => {
    cancel?.();
    cancel = undefined;
    if (pageInView.get()) {
      if (away) send({ type: 'presence.set', state: 'online' });
      away = false;
      return;
    }
    cancel = clock.after(awayAfterMs, () => {
      away = send({ type: 'presence.set', state: 'away' });
    });
  };
  update();
  const stop = pageInView.subscribe(update);
  return () => {
    stop();
    cancel?.();
  };
}
