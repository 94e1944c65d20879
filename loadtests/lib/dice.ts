// Settles how chance is thrown so that the same seed gives the same day: mulberry32, 32 bits of state.

export interface Dice {
  /** From 0 to below 1. */
  share(): number;
  /** From `low` to `high`, both included. */
  between(low: number, high: number): number;
  /** One of them. */
  pick<T>(list: readonly T[]): T;
}

export function dice(seed: number): Dice {
  let state = (seed + 0x9e3779b9) | 0;
  const share = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (low: number, high: number): number => low + Math.floor(share() * (high - low + 1));
  const pick = <T>(list: readonly T[]): T => {
    const found = list[between(0, list.length - 1)];
    if (found === undefined) throw new Error('nothing to choose from');
    return found;
  };
  return { share, between, pick };
}
