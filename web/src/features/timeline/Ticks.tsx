import { t } from '@/i18n';
import { cx } from '@/lib/cx';

export type TickState = 'waiting' | 'sent' | 'delivered' | 'read' | 'failed';

/** Clock, one tick, two ticks, coloured ticks; the word is for those who do not see them. */
export function Ticks({ state }: { state: TickState }) {
  return (
    <span
      role="img"
      aria-label={t.ticks[state]}
      title={t.ticks[state]}
      data-tick={state}
      className={cx('inline-flex', state === 'read' && 'text-read', state === 'failed' && 'text-danger')}
    >
      <svg width="17" height="12" viewBox="0 0 17 12" fill="none" aria-hidden="true">
        <g stroke="currentColor" strokeWidth={state === 'read' ? 2 : 1.6} strokeLinecap="round" strokeLinejoin="round">
          {state === 'waiting' && (
            <>
              <circle cx="10" cy="6" r="4.6" strokeWidth="1.300" />
              <path d="M10 3.400V6l1.700 1.200" strokeWidth="1.300" />
            </>
          )}
          {state === 'failed' && <path d="M10 1.800v4.800M10 9.700v.1" strokeWidth="2.200" />}
          {state === 'sent' && <path d="m5.500 6.500 2.800 2.900L14 2.800" />}
          {(state === 'delivered' || state === 'read') && (
            <path d="m1.500 6.500 2.800 2.900L10 2.800M8.800 9.100l.3.3 5.900-6.600" />
          )}
        </g>
      </svg>
    </span>
  );
}
