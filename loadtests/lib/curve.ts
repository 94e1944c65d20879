// Settles how many people come when: the morning of 6 April 2021, its ramps compressed and its peaks in real time.

/** A stretch of the day. Shares are of the peak; where a phase begins elsewhere than the one before ended, people come at a stroke. */
export interface Phase {
  /** What it is called in reports. */
  clock: string;
  seconds: number;
  from: number;
  to: number;
  /** Whether the load stays so high for so long that a backlog has to form. */
  isPlateau?: boolean;
  /** Whether an anonymous flood comes on top: some short bursts, or without a pause. */
  flood?: 'bursts' | 'massive';
}

/** Where the shares come from is said in README.md. */
export const APRIL_6: readonly Phase[] = [
  { clock: '6:30', seconds: 30, from: 0.05, to: 0.25 },
  { clock: '7:00', seconds: 60, from: 0.25, to: 1 },
  { clock: '8:00', seconds: 120, from: 1, to: 1, isPlateau: true },
  { clock: '8:15', seconds: 30, from: 0.8, to: 0.55, flood: 'bursts' },
  { clock: '8:50', seconds: 60, from: 0.95, to: 0.95, isPlateau: true },
  { clock: '10:00', seconds: 30, from: 0.4, to: 0.4 },
  { clock: '12:00', seconds: 30, from: 0.2, to: 0.5 },
  { clock: '14:30', seconds: 60, from: 0.45, to: 0.45, flood: 'massive' },
  { clock: '17:30', seconds: 30, from: 0.2, to: 0.2 },
];

/** So long somebody comes after a surge, in seconds: until the last of those who wait are in, and after. */
const AFTER_SURGE_S = 150;

/** As many as `people` come at a stroke, and then few: a fiftieth of the peak, a fifth of what can sign in when the peak is ten times that. */
export function surge(peakPerS: number, people: number): readonly Phase[] {
  const seconds = Math.max(1, Math.floor(people / peakPerS));
  return [
    { clock: 'surge', seconds, from: 1, to: 1, isPlateau: true },
    { clock: 'drain', seconds: AFTER_SURGE_S, from: 0.02, to: 0.02, isPlateau: true },
  ];
}

/** k6 takes whole rates only: per so many seconds they are precise enough. */
export const TIME_UNIT_S = 100;

export interface Stage {
  target: number;
  duration: string;
}

/** The curve as k6's ramping-arrival-rate wants it, in arrivals per TIME_UNIT_S. */
export function stages(phases: readonly Phase[], peakPerS: number): { startRate: number; stages: Stage[] } {
  const rate = (share: number): number => Math.round(share * peakPerS * TIME_UNIT_S);
  const startRate = rate(phases[0]?.from ?? 0);
  let before = startRate;
  const list = phases.flatMap((phase) => {
    const jump = rate(phase.from) === before ? [] : [{ target: rate(phase.from), duration: '0s' }];
    before = rate(phase.to);
    return [...jump, { target: before, duration: `${phase.seconds}s` }];
  });
  return { startRate, stages: list };
}

/** Arrivals per second at a second of the run. */
export function rateAt(phases: readonly Phase[], peakPerS: number, second: number): number {
  let left = second;
  for (const phase of phases) {
    if (left < phase.seconds) return peakPerS * (phase.from + ((phase.to - phase.from) * left) / phase.seconds);
    left -= phase.seconds;
  }
  return 0;
}

/** People who come in all. */
export function planned(phases: readonly Phase[], peakPerS: number): number {
  const shares = phases.map((phase) => (phase.seconds * (phase.from + phase.to)) / 2);
  return Math.floor(peakPerS * shares.reduce((sum, share) => sum + share, 0));
}

export function lengthS(phases: readonly Phase[]): number {
  return phases.reduce((sum, phase) => sum + phase.seconds, 0);
}

/** What decides how many people are there at once. */
export interface Load {
  peakPerS: number;
  /** People who can be let in. */
  capacityPerS: number;
  patienceS: number;
  /** How long a visit takes. */
  visitS: number;
}

/** The highest peak, at most the one asked for, that `people` at once can make. */
export function fittingPeak(phases: readonly Phase[], load: Load, people: number): number {
  let [low, high] = [0, load.peakPerS];
  if (peopleAtOnce(phases, load) <= people) return high;
  for (let step = 0; step < 30; step++) {
    const middle = (low + high) / 2;
    if (peopleAtOnce(phases, { ...load, peakPerS: middle }) <= people) low = middle;
    else high = middle;
  }
  return low;
}

/**
 * People who are there at once at most, when `capacityPerS` are let in: those who wait, none longer than their patience,
 * and those on a visit. Fewer virtual users, and the people who are missing are the generator's fault.
 */
export function peopleAtOnce(phases: readonly Phase[], load: Load): number {
  let waiting = 0;
  let most = 0;
  for (let second = 0; second < lengthS(phases); second++) {
    waiting += rateAt(phases, load.peakPerS, second + 0.5);
    waiting = Math.min(waiting - Math.min(waiting, load.capacityPerS), load.peakPerS * load.patienceS);
    most = Math.max(most, waiting + load.peakPerS + load.capacityPerS * load.visitS);
  }
  return Math.ceil(most);
}
