// Settles the words that scenarios, journeys and adapters share.

/** Who makes a journey. A head is the account role `Principal`. */
export type Role = 'pupil' | 'guardian' | 'teacher' | 'head';

/** What a journey consists of, in order. */
export type Step = 'sign_in' | 'home' | 'open_course' | 'send' | 'read_inbox' | 'open_thread' | 'sign_out';

export const ROLES: readonly Role[] = ['pupil', 'guardian', 'teacher', 'head'];
export const STEPS: readonly Step[] = [
  'sign_in',
  'home',
  'open_course',
  'send',
  'read_inbox',
  'open_thread',
  'sign_out',
];

/** A row of accounts.csv. */
export interface Person {
  login: string;
  password: string;
  /** As auth spells it: Student, Guardian, Teacher, Principal ... */
  role: string;
  schoolUais: string[];
  /** Base32 without padding; empty for those who need no second factor. */
  totpSecret: string;
  /** What the browser was given when somebody last signed in on it, where the target gives something. */
  device?: string;
}

/** What a sign-in leaves in the browser. */
export interface SignedIn {
  device?: string;
}

/**
 * How a target answered: `queued` and `shed` are refusals for now, `denied` is a refusal for good, `skipped` means that
 * there was nothing to do (no course to open, no thread to read), which is never counted as done.
 */
export type Outcome = 'ok' | 'queued' | 'shed' | 'denied' | 'error' | 'skipped';

export interface Result<T> {
  outcome: Outcome;
  /** Present when ok, and when part of an answer came (a home of three calls of which one failed). */
  value?: T;
  /** Seconds the target asked to wait, or that must pass before another try can succeed. */
  retryAfter?: number;
  /** Seconds after which it will be this person's turn at the latest, where the target says so. */
  turnInS?: number;
  /** A problem's code or what was wrong with the answer: for logs, never compared. */
  detail: string;
}

export interface Course {
  id: string;
  schoolId: string;
}

export interface Audience {
  kind: 'group' | 'role';
  schoolId: string;
  id?: string;
  role?: string;
  parts: string[];
  /** Whether the home also lists it among my classes. */
  isClass: boolean;
}

/** What the first page after sign-in shows. */
export interface Home {
  courses: Course[];
  audiences: Audience[];
}

export interface ThreadRef {
  id: string;
  schoolId: string;
}

/** The threads of an inbox page, unread ones first. */
export interface Inbox {
  threads: ThreadRef[];
}

export interface Letter {
  subject: string;
  body: string;
}

/** What a target can do. What it cannot do is shown as n/a, never as green. */
export type Capability = 'totp' | 'courses' | 'audiences' | 'threads' | 'waiting_room' | 'devices';

/** A target's own way of doing what every ENT does. */
export interface Adapter {
  name: string;
  capabilities: readonly Capability[];
  login(person: Person): Result<SignedIn>;
  /** How it stands, for somebody who was `queued`: ok when it is their turn. Where a target has no such thing, they sign in again. */
  askAgain?(): Result<null>;
  home(): Result<Home>;
  openCourse(course: Course): Result<null>;
  sendMessage(to: Audience, parts: readonly string[], letter: Letter): Result<null>;
  readMessages(): Result<Inbox>;
  openThread(thread: ThreadRef): Result<null>;
  logout(): Result<null>;
}
