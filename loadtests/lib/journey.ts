// Settles what a visit is: sign in, home, a course, a message, the inbox, sign out, with a person's pauses between.
import { sleep } from 'k6';
import { journeyCompleted, journeyStarted, stepDone, waitedForCode } from './measures.ts';
import { type Adapter, type Audience, type Home, isDone, type Letter, type Outcome, type Person, type Result, type Role, type Sent, type Step } from './types.ts';

/** The parts of a group that each role writes to: personnel to a class, pupils and guardians to the teacher of one subject. */
const PARTS: Record<Role, readonly string[]> = {
  pupil: ['teacher'],
  guardian: ['teacher'],
  teacher: ['student'],
  head: ['student'],
};

/** How often a refused sign-in is tried again, and how long a person waits for one in all, in seconds. */
const SIGN_IN_TRIES = 3;
const SIGN_IN_PATIENCE_S = 33;

/** How many failures one virtual user prints; the rest are in the counts. */
const PRINTED_FAILURES = 1;
let printed = 0;

/** Who wants to know of each step: began at (milliseconds since 1970), took so many, and how it ended. */
export type Watch = (name: Step, beganMs: number, tookMs: number, outcome: Outcome) => void;

/** One visit of `person`. It counts as completed when no step failed; without a sign-in it ends at once. */
export function journey(adapter: Adapter, role: Role, person: Person): void {
  journeyStarted(role);
  if (!signIn(adapter, role, person)) return;
  if (signedIn(adapter, role, shortPause)) journeyCompleted(role);
}

/** What a person does once signed in; true when no step failed. */
export function signedIn(adapter: Adapter, role: Role, pause: () => void, watch?: Watch): boolean {
  const step = <T>(name: Step, act: () => Result<T>): Result<T> => timed(role, name, act, watch);
  const home = step('home', () => adapter.home());
  pause();
  const results: Result<unknown>[] = [home];
  results.push(step('open_course', () => openCourse(adapter, role, home.value)));
  pause();
  results.push(step('send', () => send(adapter, role, home.value)));
  pause();
  const inbox = step('read_inbox', () => adapter.readMessages());
  results.push(inbox);
  const thread = inbox.value?.threads[0];
  results.push(step('open_thread', () => (thread ? adapter.openThread(thread) : skipped('an empty inbox'))));
  pause();
  results.push(step('sign_out', () => adapter.logout()));
  return results.every((result) => isDone(result.outcome) || result.outcome === 'skipped');
}

/**
 * Signs in, patiently: who is refused for now comes back. The time counts from the first try to success, without the
 * wait for a fresh TOTP code, which says nothing about the target.
 */
function signIn(adapter: Adapter, role: Role, person: Person): boolean {
  const began = Date.now();
  let waitedForCodeMs = 0;
  let result = adapter.login(person);
  for (let tries = 1; tries < SIGN_IN_TRIES && result.retryAfter !== undefined; tries++) {
    if ((Date.now() - began) / 1000 + result.retryAfter > SIGN_IN_PATIENCE_S) break;
    if (result.outcome === 'denied') {
      waitedForCode(role);
      waitedForCodeMs += result.retryAfter * 1000;
    }
    sleep(result.retryAfter);
    result = adapter.login(person);
  }
  record(role, 'sign_in', result, Date.now() - began - waitedForCodeMs);
  return result.outcome === 'ok';
}

function openCourse(adapter: Adapter, role: Role, home: Home | undefined): Result<null> {
  const course = anyOf(home?.courses ?? []);
  if (course !== undefined) return adapter.openCourse(course);
  // A head is enrolled nowhere, so an empty list is in order; everybody else has courses.
  return role === 'head' ? skipped('no course') : failed('home lists no course');
}

function send(adapter: Adapter, role: Role, home: Home | undefined): Result<Sent> {
  const to = audienceOf(role, home?.audiences ?? []);
  if (to === undefined) return failed(`home lists no class that a ${role} may write to`);
  const parts = PARTS[role].filter((part) => to.parts.includes(part));
  return adapter.sendMessage(to, parts, LETTERS[role]);
}

/** A group whose parts the role writes to; any of them where courses could not say which groups are classes. */
function audienceOf(role: Role, audiences: Audience[]): Audience | undefined {
  const groups = audiences.filter(
    (audience) => audience.kind === 'group' && PARTS[role].every((part) => audience.parts.includes(part)),
  );
  const isPersonnel = role === 'teacher' || role === 'head';
  return anyOf(groups.filter((group) => group.isClass === isPersonnel)) ?? anyOf(groups);
}

function timed<T>(role: Role, name: Step, act: () => Result<T>, watch?: Watch): Result<T> {
  const began = Date.now();
  const result = act();
  const took = Date.now() - began;
  record(role, name, result, took);
  watch?.(name, began, took, result.outcome);
  return result;
}

function record(role: Role, name: Step, result: Result<unknown>, milliseconds: number): void {
  stepDone(role, name, result.outcome, milliseconds);
  if (!isDone(result.outcome) && result.outcome !== 'skipped' && printed < PRINTED_FAILURES) {
    printed += 1;
    console.warn(`${role} ${name}: ${result.outcome}, ${result.detail}`);
  }
}

function skipped(detail: string): Result<never> {
  return { outcome: 'skipped', detail };
}

function failed(detail: string): Result<never> {
  return { outcome: 'error', detail };
}

function anyOf<T>(list: readonly T[]): T | undefined {
  return list[Math.floor(Math.random() * list.length)];
}

/** Shorter than people's pauses, so that a smoke test is over soon. */
function shortPause(): void {
  sleep(0.2 + Math.random() * 0.4);
}

const LETTERS: Record<Role, Letter> = {
  pupil: { subject: 'Sortie au musée', body: 'Bonjour, qui vient au CDI à midi pour préparer la visite ?' },
  guardian: { subject: 'Cahier oublié', body: 'Bonjour, le cahier de mon enfant est resté en classe. Merci !' },
  teacher: { subject: 'Prochaine séance', body: 'Bonjour, apportez le manuel et une copie double. Merci.' },
  head: { subject: 'Photo de classe', body: 'Bonjour, la photo de classe aura lieu jeudi à 10 heures.' },
};
