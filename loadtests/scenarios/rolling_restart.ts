// Settles a steady load while instances are restarted: people of all roles do what they always do, and repeat once what they may.
import { sleep } from 'k6';
import exec from 'k6/execution';
import { type Answered, type Asked, isToRepeat, repeatOnce } from '../lib/ask.ts';
import { whoComes } from '../lib/crowd.ts';
import { common, startAnywhere } from '../lib/options.ts';
import { comeAndStay } from '../lib/person.ts';
import { LONGEST_S, REPORT, VISITS_PER_S } from '../lib/settings.ts';
import { missedThresholds, type SummaryData, value } from '../lib/summary.ts';
import { type Adapter, isDone, type Person, type Result, type Role, type Sent, type Shown, type ThreadRef } from '../lib/types.ts';
import type { LoadScenario, RunData } from './scenario.ts';

/** A visit with its pauses takes about so long; so much longer where everything is repeated. */
const VISIT_S = 8;
const TROUBLE_S = 20;
/** Whoever is in the waiting room for so long is not let in during this load. */
const PATIENCE_S = 60;

/** What one visit saw, one line of JSON. Times are milliseconds since 1970. */
interface Visit {
  kind: 'visit';
  login: string;
  at: number;
  /** Requests with their last answer. */
  asked: number;
  /** Those that were answered only when they were repeated. */
  repeated: Trouble[];
  /** Those that were not answered, once more or not. */
  lost: Trouble[];
  /** Messages that were acknowledged. */
  sent: Acknowledged[];
}

interface Trouble {
  name: string;
  at: number;
  tookMs: number;
  first: Answered;
}

interface Acknowledged {
  /** No other message has it. */
  subject: string;
  /** Whether it is where it should be, or waits for somebody's look. */
  isDelivered: boolean;
  /** Whom it is for, where it is for one person, and the school that both have. */
  reader?: string;
  school?: string;
}

export function rollingRestart(adapter: Adapter): LoadScenario {
  let visit: Visit | undefined;
  repeatOnce((asked) => {
    if (visit !== undefined) note(visit, asked);
  });
  return {
    options: {
      ...common(),
      scenarios: { steady: steady() },
      thresholds: { dropped_iterations: ['count<=0'] },
    },
    setup: () => {
      console.log(JSON.stringify({ kind: 'start', at: Date.now() }));
      return startAnywhere();
    },
    run: (data: RunData) => {
      const nth = exec.scenario.iterationInTest;
      const { role, person } = whoComes(nth, data.offset);
      visit = { kind: 'visit', login: person.login, at: Date.now(), asked: 0, repeated: [], lost: [], sent: [] };
      const manners = { patienceS: PATIENCE_S, isClumsy: false, pause, keepsDevice: false };
      comeAndStay(marking(adapter, visit, { role, person, nth }), role, person, manners);
      console.log(JSON.stringify(visit));
    },
    summarize,
  };
}

function steady(): NonNullable<LoadScenario['options']['scenarios']>[string] {
  const vus = Math.ceil(VISITS_PER_S * (VISIT_S + TROUBLE_S)) + 5;
  return {
    executor: 'constant-arrival-rate',
    exec: 'run',
    rate: Math.round(VISITS_PER_S * 10),
    timeUnit: '10s',
    duration: `${LONGEST_S}s`,
    preAllocatedVUs: vus,
    maxVUs: vus,
    gracefulStop: `${VISIT_S + TROUBLE_S}s`,
  };
}

function note(visit: Visit, { name, at, tookMs, first, last }: Asked): void {
  visit.asked += 1;
  if (isToRepeat(last) || last.status >= 500) visit.lost.push({ name, at, tookMs, first: first ?? last });
  else if (first !== undefined) visit.repeated.push({ name, at, tookMs, first });
}

/** The same target, by way of which each message has a subject of its own, and mail is read with a new token and answered. */
function marking(adapter: Adapter, visit: Visit, { role, person, nth }: { role: Role; person: Person; nth: number }): Adapter {
  const mark = `${visit.at.toString(36)}-${nth}`;
  let me: string | undefined;
  const keep = (sent: Result<Sent>, subject: string, to: { reader?: string; school?: string }): Result<Sent> => {
    if (isDone(sent.outcome) && sent.value !== undefined) visit.sent.push({ subject, isDelivered: sent.outcome === 'ok', ...to });
    return sent;
  };
  return {
    ...adapter,
    login: (who) => {
      const result = adapter.login(who);
      me = result.value?.personId;
      return result;
    },
    sendMessage: (to, parts, letter) => {
      const subject = `${letter.subject} ${mark}`;
      return keep(adapter.sendMessage(to, parts, { ...letter, subject }), subject, {});
    },
    readMessages: () => {
      const refreshed = adapter.refresh?.();
      if (refreshed !== undefined && refreshed.outcome !== 'ok') return { outcome: refreshed.outcome, detail: refreshed.detail };
      return adapter.readMessages();
    },
    openThread: (thread) => {
      const shown = adapter.openThread(thread);
      const other = shown.value?.find((message) => message.senderId !== me);
      if (other !== undefined && (role === 'teacher' || role === 'head')) {
        const subject = `Suivi ${mark}`;
        keep(answer(adapter, thread, other, subject), subject, commonSchool(person, other));
      }
      return shown;
    },
  };
}

/** Personnel write to whoever has written to them: one person and few words, which no target has a reason to hold back. */
function answer(adapter: Adapter, thread: ThreadRef, to: Shown, subject: string): Result<Sent> {
  const reader = { kind: 'people' as const, schoolId: thread.schoolId, ids: [to.senderId] };
  return adapter.sendMessage(reader, [], { subject, body: 'Bien reçu.' });
}

/** Unknown where the sender of the message has several schools: accounts are found by name and school. */
function commonSchool({ schoolUais }: Person, { senderName }: Shown): { reader?: string; school?: string } {
  const [school, ...others] = schoolUais;
  return school === undefined || others.length > 0 ? {} : { reader: senderName, school };
}

function summarize(data: SummaryData): Record<string, string> {
  const report = {
    perS: VISITS_PER_S,
    ended: value(data, 'iterations', 'count'),
    dropped: value(data, 'dropped_iterations', 'count'),
    missed: missedThresholds(data),
  };
  const text = `${JSON.stringify(report)}\n`;
  return REPORT === undefined ? { stdout: text } : { [REPORT]: text };
}

function pause(): void {
  sleep(1 + Math.random());
}
