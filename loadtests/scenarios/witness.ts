// Settles what recipients of a campaign find in their mailbox: whether a copy can still be seen, and what stands in its place.
import { SharedArray } from 'k6/data';
import exec from 'k6/execution';
import { mark } from '../lib/campaign.ts';
import { common } from '../lib/options.ts';
import { REPORT, SEED, WITNESSES } from '../lib/settings.ts';
import { type Adapter, type Person, ROLES } from '../lib/types.ts';
import { everybody } from '../lib/users.ts';
import type { LoadScenario } from './scenario.ts';

/** Threads that a witness opens, the newest ones. */
const OPENED = 8;

export function witness(adapter: Adapter): LoadScenario {
  const people: readonly Person[] = new SharedArray('witnesses', chosen);
  if (people.length === 0) throw new Error('WITNESSES names nobody who has an account');
  return {
    options: {
      ...common(),
      scenarios: {
        everybody: { executor: 'shared-iterations', exec: 'run', vus: Math.min(10, people.length), iterations: people.length, maxDuration: '60s' },
      },
      thresholds: { iterations: [`count>=${people.length}`] },
    },
    setup: () => ({ offset: 0 }),
    run: () => {
      look(adapter, people[exec.scenario.iterationInTest]);
    },
    summarize: () => (REPORT === undefined ? {} : { [REPORT]: `${JSON.stringify({ planned: people.length })}\n` }),
  };
}

function look(adapter: Adapter, person: Person | undefined): void {
  if (person === undefined) return;
  const signedIn = adapter.login(person);
  const inbox = signedIn.outcome === 'ok' ? adapter.readMessages() : undefined;
  const threads = (inbox?.value?.threads ?? []).slice(0, OPENED);
  const bodies = threads.flatMap((thread) => adapter.openThread(thread).value ?? []).map((message) => message.body);
  const copies = bodies.filter((body) => body.includes(mark(SEED))).length;
  console.log(JSON.stringify({ kind: 'witness', login: person.login, at: Date.now(), hasLooked: inbox?.outcome === 'ok', copies }));
}

function chosen(): Person[] {
  const logins = new Set(WITNESSES === undefined ? [] : (JSON.parse(open(WITNESSES)) as string[]));
  return ROLES.flatMap((role) => everybody(role).filter((person) => logins.has(person.login)));
}
