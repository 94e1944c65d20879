// Settles what a person does after an answer to a sign-in: go on, come back when told to, or give up.
import type { Result } from './types.ts';

/** Whoever reads that the password was wrong types it again after so many seconds. */
export const RETYPE_S = 3;
/** Whoever is refused and not told when to come back tries again after so many seconds. */
export const UNTOLD_S = 2;

export type Next = { act: 'enter' } | { act: 'come_back'; inS: number } | { act: 'leave' };

export interface Waiting {
  /** Seconds since the first try. */
  sinceS: number;
  patienceS: number;
  /** Whether the password of the last try was the right one. */
  hasTypedWell: boolean;
}

/** What follows from an answer. A person whose patience would be over before the appointment leaves at once. */
export function next(result: Result<unknown>, waiting: Waiting): Next {
  if (result.outcome === 'ok') return { act: 'enter' };
  const inS = result.outcome === 'denied' && !waiting.hasTypedWell ? RETYPE_S : comeBackIn(result);
  if (inS === undefined || waiting.sinceS + inS > waiting.patienceS) return { act: 'leave' };
  return { act: 'come_back', inS };
}

/** Whether the person was let in to try: a wrong password is an answer to a sign-in, a place in a queue is none. */
export function isLetIn(result: Result<unknown>): boolean {
  return result.outcome === 'ok' || result.outcome === 'denied';
}

/** Errors are retried as refusals are: a person sees no difference. Denied for good is for good. */
function comeBackIn(result: Result<unknown>): number | undefined {
  return result.outcome === 'denied' ? result.retryAfter : (result.retryAfter ?? UNTOLD_S);
}
