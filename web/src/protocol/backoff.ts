/**
 * Exponential backoff with full jitter (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015):
 * a uniformly random part of `min(cap, base * 2^attempt)`, so that clients of a node that died do not come back together.
 */
export interface Backoff {
  baseMs: number;
  capMs: number;
}

/** `attempt` counts from 0; `random` is in [0, 1). */
export function backoffDelay({ baseMs, capMs }: Backoff, attempt: number, random: number): number {
  return Math.round(random * Math.min(capMs, baseMs * 2 ** Math.min(attempt, 30)));
}
