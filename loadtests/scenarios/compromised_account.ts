// Settles the night of March 2024 and the morning after it: hijacked accounts write to schools while everybody else goes on, until somebody stops them.
import { sleep } from 'k6';
import { SharedArray } from 'k6/data';
import exec from 'k6/execution';
import type { Options } from 'k6/options';
import { copy, script, type Script } from '../lib/campaign.ts';
import { whoComes } from '../lib/crowd.ts';
import { dice, type Dice } from '../lib/dice.ts';
import { common } from '../lib/options.ts';
import { comeAndStay } from '../lib/person.ts';
import { campaigns, familyOf, HONEST, ownDevices } from '../lib/region.ts';
import { CAMPAIGN_S, CAPACITY_PER_S, FAMILY, PATIENCE_S, REPORT, SEED } from '../lib/settings.ts';
import { missedThresholds, type SummaryData, value } from '../lib/summary.ts';
import { ACCOUNTS, type Campaign, mostRecipients, type Thief } from '../lib/thieves.ts';
import { type Acquaintance, type Adapter, type Audience, isDone, type Letter, type Named, type Person, type Result, type Sent, type SignedIn } from '../lib/types.ts';
import type { LoadScenario } from './scenario.ts';

/** Of those who can sign in per second, so many come beside the campaign. */
const BASE = 0.2;
/** Whoever was thrown out tries to come back after so many seconds. */
const COMES_BACK_S = 2;
const VISIT_S = 14;
/** Threads in which a thief looks for people to write to. */
const LOOKED_THROUGH = 8;
/** The share of messages that pupils' and guardians' accounts send to the teachers of a group. */
const TO_TEACHERS = 0.3;

/** What all virtual users know of the campaign. */
interface Plan extends Campaign {
  adapter: Adapter;
  script: Script;
  onOwnDevice: (person: Person) => Person;
}

/** Whom a thief may write to. */
interface Reach {
  people: Acquaintance[];
  audiences: Audience[];
}

export function compromisedAccount(adapter: Adapter): LoadScenario {
  const [campaign] = new SharedArray('the campaign', () => campaigns([{ seed: SEED, family: familyOf(SEED, FAMILY) }])) as [Campaign];
  const plan: Plan = { ...campaign, adapter, script: script(campaign.style, SEED, dice(SEED + 1)), onOwnDevice: ownDevices() };
  return {
    options: options(plan),
    setup: () => {
      console.log(JSON.stringify({ kind: 'start', at: Date.now(), mark: plan.script.mark }));
      return { offset: 0 };
    },
    run: () => {
      if (exec.scenario.name === 'thieves') steal(plan, exec.scenario.iterationInTest);
      else visit(plan, exec.scenario.iterationInTest);
    },
    summarize: (data) => summarize(data, plan),
  };
}

function options({ thieves }: Plan): Options {
  const rate = Math.max(1, Math.round(CAPACITY_PER_S * BASE * 10));
  const vus = Math.ceil((rate / 10) * (VISIT_S + 10)) + 5;
  const duration = `${CAMPAIGN_S}s`;
  return {
    ...common(),
    scenarios: {
      base: {
        executor: 'constant-arrival-rate',
        exec: 'run',
        rate,
        timeUnit: '10s',
        duration,
        preAllocatedVUs: vus,
        maxVUs: vus,
        gracefulStop: `${2 * VISIT_S}s`,
      },
      thieves: {
        executor: 'per-vu-iterations',
        exec: 'run',
        vus: thieves.length,
        iterations: 1,
        maxDuration: `${CAMPAIGN_S + 30}s`,
      },
    },
    thresholds: { dropped_iterations: ['count<=0'] },
  };
}

/** Somebody honest, on the device that is theirs. */
function visit({ adapter, onOwnDevice }: Plan, nth: number): void {
  const { role, person } = whoComes(nth % HONEST, 0);
  comeAndStay(adapter, role, onOwnDevice(person), { patienceS: PATIENCE_S, isClumsy: false, pause, keepsDevice: false });
}

/** A thief writes for as long as the campaign lasts, reads what comes in, and comes back when thrown out. */
function steal(plan: Plan, nth: number): void {
  const { adapter, family } = plan;
  const thief = plan.thieves[nth];
  if (thief === undefined) return;
  const end = Date.now() + CAMPAIGN_S * 1000;
  const chance = dice(SEED * ACCOUNTS + nth);
  sleep(thief.startS);
  let reach = enter(plan, thief, nth);
  while (Date.now() < end) {
    if (reach === undefined) {
      sleep(COMES_BACK_S);
      reach = enter(plan, thief, nth);
      continue;
    }
    const here = reach;
    const sent = tellHow(nth, thief, 'send', () => write({ ...plan, thief, reach: here, chance }));
    if (family === 'single_message' && isDone(sent.outcome)) return;
    const read = tellHow(nth, thief, 'read', () => adapter.readMessages());
    if (read.outcome === 'denied') reach = undefined;
    sleep(thief.gapS);
  }
}

function enter({ adapter, onOwnDevice }: Plan, thief: Thief, nth: number): Reach | undefined {
  const person = thief.isOnKnownDevice ? onOwnDevice(thief.person) : thief.person;
  const signedIn = tellHow(nth, thief, 'sign_in', () => adapter.login(person));
  if (signedIn.outcome !== 'ok') return undefined;
  const audiences = adapter.home().value?.audiences ?? [];
  return { audiences, people: acquaintances(adapter, signedIn.value?.personId) };
}

/** Whoever has written to the owner of the account, as far as the newest threads say. */
function acquaintances(adapter: Adapter, owner: string | undefined): Acquaintance[] {
  const threads = (adapter.readMessages().value?.threads ?? []).slice(0, LOOKED_THROUGH);
  const found = new Map<string, Acquaintance>();
  for (const thread of threads) {
    for (const { senderId, senderName } of adapter.openThread(thread).value ?? []) {
      if (senderId !== owner) found.set(senderId, { id: senderId, schoolId: thread.schoolId, name: senderName });
    }
  }
  return [...found.values()];
}

/** A thief who is about to write. */
interface Desk extends Plan {
  thief: Thief;
  reach: Reach;
  chance: Dice;
}

/** With the names of those whom it is for, or the name of their class. */
type Written = Result<Sent> & { readers?: string[]; toClass?: string };

function write(desk: Desk): Written {
  const { family, thief, reach } = desk;
  if (family === 'reply_hijack') return answer(desk);
  if (thief.role === 'teacher' || thief.role === 'head') return toClass(desk);
  return family === 'single_message' ? toHead(desk) : toSome(desk, reach.people);
}

/** Some of those who have written to the owner of the account, or the teachers of one of their groups. */
function toSome(desk: Desk, people: Acquaintance[], threadId?: string): Written {
  const { adapter, family, chance } = desk;
  if (threadId === undefined && (people.length === 0 || chance.share() < TO_TEACHERS)) return toTeachers(desk);
  if (people.length === 0) return { outcome: 'skipped', detail: 'knows nobody' };
  const one = chance.pick(people);
  const others = people.filter((other) => other.schoolId === one.schoolId && other.id !== one.id);
  const chosen = [one, ...others.slice(0, mostRecipients(family, chance) - 1)];
  const to: Named = { kind: 'people', schoolId: one.schoolId, ids: chosen.map((other) => other.id) };
  const written = letter(desk, one.name);
  const result = adapter.sendMessage(to, [], threadId === undefined ? written : { ...written, threadId });
  return { ...result, readers: chosen.map((other) => other.name) };
}

function toTeachers(desk: Desk): Written {
  const { adapter, reach, chance } = desk;
  const groups = reach.audiences.filter((audience) => audience.kind === 'group' && audience.parts.includes('teacher'));
  if (groups.length === 0) return { outcome: 'skipped', detail: 'no group' };
  return adapter.sendMessage(chance.pick(groups), ['teacher'], letter(desk, 'à tous'));
}

function toClass(desk: Desk): Written {
  const { adapter, reach, chance } = desk;
  const classes = reach.audiences.filter((audience) => audience.kind === 'group' && audience.parts.includes('student'));
  if (classes.length === 0) return { outcome: 'skipped', detail: 'no class' };
  const chosen = chance.pick(classes);
  return { ...adapter.sendMessage(chosen, ['student'], letter(desk, 'à tous')), toClass: chosen.name };
}

function toHead(desk: Desk): Written {
  const direction = desk.reach.audiences.find((audience) => audience.role === 'Principal');
  if (direction === undefined) return { outcome: 'skipped', detail: 'may not write to the direction' };
  return desk.adapter.sendMessage(direction, [], letter(desk, 'à la direction'));
}

/** Goes on with a thread that the owner of the account has, to whoever wrote there. */
function answer(desk: Desk): Written {
  const { adapter, reach, chance } = desk;
  const threads = adapter.readMessages().value?.threads ?? [];
  if (threads.length === 0) return toSome(desk, reach.people);
  const thread = chance.pick(threads);
  const writers = new Set((adapter.openThread(thread).value ?? []).map((message) => message.senderId));
  const known = reach.people.filter((person) => writers.has(person.id));
  return known.length === 0 ? toSome(desk, reach.people) : toSome(desk, known, thread.id);
}

function letter({ script, chance }: Desk, name: string): Letter {
  return { subject: 'Information importante', body: copy(script, name, chance) };
}

/** One line of JSON for each act, so that whoever judges sees what the thief saw. */
function tellHow<T extends Result<unknown> & Pick<Written, 'readers' | 'toClass'>>(nth: number, thief: Thief, act: string, how: () => T): T {
  const at = Date.now();
  const result = how();
  const sent = (act === 'send' ? result.value : undefined) as Sent | undefined;
  const signedIn = (act === 'sign_in' ? result.value : undefined) as SignedIn | undefined;
  console.log(
    JSON.stringify({
      kind: 'act',
      thief: nth,
      login: thief.person.login,
      role: thief.role,
      school: thief.person.schoolUais[0],
      act,
      at,
      endedAt: Date.now(),
      outcome: result.outcome,
      detail: result.detail,
      person: signedIn?.personId,
      message: sent?.id,
      recipients: sent?.recipients,
      readers: result.readers,
      toClass: result.toClass,
    }),
  );
  return result;
}

function summarize(data: SummaryData, { adapter, family, style, thieves }: Plan): Record<string, string> {
  const report = {
    adapter: adapter.name,
    capabilities: adapter.capabilities,
    seed: SEED,
    family,
    style,
    thieves: thieves.length,
    lengthS: CAMPAIGN_S,
    dropped: value(data, 'dropped_iterations', 'count'),
    missed: missedThresholds(data),
  };
  const text = `${JSON.stringify(report)}\n`;
  return REPORT === undefined ? { stdout: text } : { [REPORT]: text };
}

function pause(): void {
  sleep(2 + Math.random() * 2);
}

