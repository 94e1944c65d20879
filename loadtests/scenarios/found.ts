// Settles what is found afterwards of messages that were acknowledged: in the mailbox of who sent them, and of who received them.
import { sleep } from 'k6';
import { SharedArray } from 'k6/data';
import exec from 'k6/execution';
import { common } from '../lib/options.ts';
import { CLOCK_AHEAD_S, EXPECTED, PATIENCE_S, REPORT } from '../lib/settings.ts';
import { type Adapter, type Mailbox, type Person, ROLES } from '../lib/types.ts';
import { everybody } from '../lib/users.ts';
import type { LoadScenario } from './scenario.ts';

/** Pages of a mailbox that are looked through. */
const MOST_PAGES = 20;
const AT_ONCE = 16;

/** What one mailbox should hold. */
interface Expected {
  login: string;
  box: Mailbox;
  /** When the first of them was sent, by this machine's clock: milliseconds since 1970. */
  since: number;
  subjects: string[];
}

type Look = Expected & { person: Person };

export function found(adapter: Adapter): LoadScenario {
  const looks: readonly Look[] = new SharedArray('mailboxes', whoLooks);
  if (looks.length === 0) throw new Error('EXPECTED names nobody who has an account');
  return {
    options: {
      ...common(),
      scenarios: {
        everybody: { executor: 'shared-iterations', exec: 'run', vus: Math.min(AT_ONCE, looks.length), iterations: looks.length, maxDuration: '5m' },
      },
      thresholds: { iterations: [`count>=${looks.length}`] },
    },
    setup: () => ({ offset: 0 }),
    run: () => {
      const look = looks[exec.scenario.iterationInTest];
      if (look !== undefined) console.log(JSON.stringify(lookInto(adapter, look)));
    },
    summarize: () => (REPORT === undefined ? {} : { [REPORT]: `${JSON.stringify({ planned: looks.length })}\n` }),
  };
}

/** How often each subject is there; `hasLooked` only when the mailbox was read as far as it has to be. */
function lookInto(adapter: Adapter, { login, person, box, since, subjects }: Look): object {
  const seen = signIn(adapter, person) ? subjectsSince(adapter, box, since + CLOCK_AHEAD_S * 1000) : undefined;
  const counts = subjects.map((subject) => [subject, seen?.filter((one) => one === subject).length ?? 0]);
  return { kind: 'found', login, box, hasLooked: seen !== undefined, counts: Object.fromEntries(counts) as object };
}

/** Whoever has used their code, or has to wait for their turn, comes back when told to. */
function signIn(adapter: Adapter, person: Person): boolean {
  const began = Date.now();
  for (;;) {
    const result = adapter.login(person);
    if (result.outcome === 'ok') return true;
    const inS = result.retryAfter;
    if (inS === undefined || (Date.now() - began) / 1000 + inS > PATIENCE_S) return false;
    sleep(inS);
  }
}

function subjectsSince(adapter: Adapter, box: Mailbox, since: number): string[] | undefined {
  const subjects: string[] = [];
  let after: string | undefined;
  for (let pages = 0; pages < MOST_PAGES; pages++) {
    const page = adapter.mailbox?.(box, after).value;
    if (page === undefined) return undefined;
    subjects.push(...page.messages.map((message) => message.subject));
    const oldest = page.messages.at(-1)?.sentAt ?? 0;
    if (page.next === undefined || oldest < since) return subjects;
    after = page.next;
  }
  return undefined;
}

function whoLooks(): Look[] {
  if (EXPECTED === undefined) return [];
  const expected = JSON.parse(open(EXPECTED)) as Expected[];
  const logins = new Set(expected.map((one) => one.login));
  const people = new Map(ROLES.flatMap((role) => everybody(role).filter((person) => logins.has(person.login))).map((person) => [person.login, person]));
  return expected.flatMap((one) => {
    const person = people.get(one.login);
    return person === undefined ? [] : [{ ...one, person }];
  });
}
