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
  /** Whose account it is. */
  personId: string;
  device?: string;
}

/**
 * How a target answered: `queued` and `shed` are refusals for now, `denied` is a refusal for good, `held` is a message that waits
 * for somebody's look, `skipped` means that there was nothing to do (no course to open, no thread to read), which is never
 * counted as done.
 */
export type Outcome = 'ok' | 'held' | 'queued' | 'shed' | 'denied' | 'error' | 'skipped';

/** Whether what was asked for took place; whoever sent a message that is held has done what they could. */
export function isDone(outcome: Outcome): boolean {
  return outcome === 'ok' || outcome === 'held';
}

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
  /** As people call it: the class, the teaching group or the school. */
  name: string;
  id?: string;
  role?: string;
  parts: string[];
  /** Whether the home also lists it among my classes. */
  isClass: boolean;
}

/** Some people of a school, one by one. */
export interface Named {
  kind: 'people';
  schoolId: string;
  ids: readonly string[];
}

/** Somebody who has written to the caller. */
export interface Acquaintance {
  id: string;
  schoolId: string;
  name: string;
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

/** A message of a thread, as far as anybody may see it. */
export interface Shown {
  senderId: string;
  senderName: string;
  body: string;
}

/** The threads of an inbox page, unread ones first. */
export interface Inbox {
  threads: ThreadRef[];
}

export interface Letter {
  subject: string;
  body: string;
  /** The thread that it answers. */
  threadId?: string;
}

/** A message that the target has accepted. */
export interface Sent {
  id: string;
  /** How many people it is for. */
  recipients: number;
}

/** What a person has sent, or was sent. */
export type Mailbox = 'sent' | 'inbox';

/** A page of a mailbox, newest first. */
export interface Page {
  messages: { id: string; subject: string; sentAt: number }[];
  /** Where the next page begins, when there is one. */
  next?: string;
}

/** What a target can do. What it cannot do is shown as n/a, never as green. */
export type Capability =
  | 'totp'
  | 'courses'
  | 'audiences'
  | 'threads'
  | 'waiting_room'
  | 'devices'
  | 'review'
  | 'refresh'
  | 'mailboxes';

/** A target's own way of doing what every ENT does. */
export interface Adapter {
  name: string;
  capabilities: readonly Capability[];
  login(person: Person): Result<SignedIn>;
  /** How it stands, for somebody who was `queued`: ok when it is their turn. Where a target has no such thing, they sign in again. */
  askAgain?(): Result<null>;
  /** A new token for the one that runs out. */
  refresh?(): Result<null>;
  home(): Result<Home>;
  openCourse(course: Course): Result<null>;
  sendMessage(to: Audience | Named, parts: readonly string[], letter: Letter): Result<Sent>;
  readMessages(): Result<Inbox>;
  openThread(thread: ThreadRef): Result<Shown[]>;
  mailbox?(of: Mailbox, after: string | undefined): Result<Page>;
  logout(): Result<null>;
}
