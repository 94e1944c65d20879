// Settles how one person gets in and what is written down of it: one line of JSON a person, so that whoever judges sees what people saw.
import { sleep } from 'k6';
import { signedIn } from './journey.ts';
import { isLetIn, next } from './retry.ts';
import type { Adapter, Person, Result, Role, SignedIn } from './types.ts';

/** What one person saw. Times are milliseconds since 1970. */
interface Seen {
  kind: 'person';
  role: Role;
  /** Whether the browser came with a device that somebody of this role had signed in on. */
  isKnownDevice: boolean;
  arrived: number;
  /** Sign-ins sent, the first one and those after a wrong password included. */
  attempts: number;
  /** How often they asked how it stands, between two sign-ins. */
  polls: number;
  /** When the person was first told a time, and after how many seconds it would be their turn. */
  firstEstimate?: { at: number; turnInS: number };
  /** When the answer came that was no refusal for now. */
  letIn?: number;
  signedIn?: number;
  /** Why not, when not. */
  left?: string;
  /** Of whoever keeps the device. */
  login?: string;
  device?: string;
  /** Name, began, milliseconds, outcome. */
  steps: [string, number, number, string][];
}

export interface Manners {
  patienceS: number;
  /** Whether the first password is mistyped. */
  isClumsy: boolean;
  pause: () => void;
  /** Whether to write down the device for later runs. */
  keepsDevice: boolean;
}

/** The whole visit of a person who does not give up easily. */
export function comeAndStay(adapter: Adapter, role: Role, person: Person, manners: Manners): void {
  const seen: Seen = {
    kind: 'person',
    role,
    isKnownDevice: person.device !== undefined,
    arrived: Date.now(),
    attempts: 0,
    polls: 0,
    steps: [],
  };
  const result = getIn(adapter, person, manners, seen);
  if (result.outcome === 'ok') {
    seen.signedIn = Date.now();
    const device = result.value?.device;
    if (manners.keepsDevice && device !== undefined) Object.assign(seen, { login: person.login, device });
    signedIn(adapter, role, manners.pause, (name, began, took, outcome) => seen.steps.push([name, began, took, outcome]));
  } else {
    seen.left = `${result.outcome}: ${result.detail}`;
  }
  console.log(JSON.stringify(seen));
}

/** Tries until served or out of patience; returns the last answer. */
function getIn(adapter: Adapter, person: Person, manners: Manners, seen: Seen): Result<SignedIn> {
  let hasTypedWell = !manners.isClumsy;
  for (;;) {
    const typed = hasTypedWell ? person : { ...person, password: `${person.password}x` };
    const result = adapter.login(typed);
    note(result, seen);
    const sinceS = (Date.now() - seen.arrived) / 1000;
    const then = next(result, { sinceS, patienceS: manners.patienceS, hasTypedWell });
    if (then.act !== 'come_back') return result;
    if (result.outcome === 'denied') hasTypedWell = true;
    sleep(then.inS);
    const gaveUp = result.outcome === 'queued' ? waitForTurn(adapter, manners, seen) : undefined;
    if (gaveUp !== undefined) return gaveUp;
  }
}

/** Asks how it stands until it is this person's turn; returns the last answer when their patience is over before. */
function waitForTurn(adapter: Adapter, manners: Manners, seen: Seen): Result<never> | undefined {
  while (adapter.askAgain !== undefined) {
    const place = adapter.askAgain();
    seen.polls += 1;
    noteEstimate(place, seen);
    const sinceS = (Date.now() - seen.arrived) / 1000;
    const then = next(place, { sinceS, patienceS: manners.patienceS, hasTypedWell: true });
    if (then.act === 'enter') return undefined;
    if (then.act === 'leave') return { outcome: place.outcome, detail: place.detail };
    sleep(then.inS);
  }
  return undefined;
}

function note(result: Result<SignedIn>, seen: Seen): void {
  const now = Date.now();
  seen.attempts += 1;
  if (isLetIn(result)) seen.letIn ??= now;
  noteEstimate(result, seen);
}

function noteEstimate(result: Result<unknown>, seen: Seen): void {
  if (result.turnInS !== undefined) seen.firstEstimate ??= { at: Date.now(), turnInS: result.turnInS };
}
