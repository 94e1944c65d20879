// Settles the smoke test: all four roles at a steady trickle for 20 seconds, and red unless enough of them got through.
import exec from 'k6/execution';
import type { Options, Scenario, Threshold } from 'k6/options';
import { journey } from '../lib/journey.ts';
import { common, startAnywhere } from '../lib/options.ts';
import { MAX_ERROR_RATE, P95_LIMIT_MS } from '../lib/settings.ts';
import { scorecard } from '../lib/summary.ts';
import { ROLES, STEPS, type Adapter, type Role, type Step } from '../lib/types.ts';
import { person, requirePeople } from '../lib/users.ts';
import type { LoadScenario, RunData } from './scenario.ts';

const SECONDS = 20;

/** Journeys that start in these seconds. Few heads: the small region has six, and a TOTP code works once. */
const PLANNED: Record<Role, number> = { pupil: 40, guardian: 40, teacher: 20, head: 4 };

/** A slow target must not run the generator out of people: as many as arrive while one waits for the patience of a step. */
const LONGEST_VISIT_S = 20;

export function smoke(adapter: Adapter): LoadScenario {
  for (const role of ROLES) requirePeople(role, PLANNED[role]);
  return {
    options: options(),
    setup: startAnywhere,
    run: (data: RunData) => {
      const role = exec.scenario.name as Role;
      journey(adapter, role, person(role, data.offset, exec.scenario.iterationInTest));
    },
    summarize: (data) => scorecard(data, { scenario: 'smoke', adapter: adapter.name, planned: PLANNED }),
  };
}

function options(): Options {
  return {
    ...common(),
    scenarios: Object.fromEntries(ROLES.map((role) => [role, arrivals(role)])),
    thresholds: thresholds(),
  };
}

function arrivals(role: Role): Scenario {
  const vus = Math.ceil((PLANNED[role] * LONGEST_VISIT_S) / SECONDS) + 1;
  return {
    executor: 'constant-arrival-rate',
    exec: 'run',
    rate: PLANNED[role],
    timeUnit: `${SECONDS}s`,
    // A little less than the whole, so that the closing second does not add one more arrival.
    duration: `${SECONDS * 1000 - 100}ms`,
    preAllocatedVUs: vus,
    maxVUs: vus,
    gracefulStop: '35s',
  };
}

/** Rates and trends without samples pass, so everything that must happen is asked for by number. */
function thresholds(): Record<string, Threshold[]> {
  const all: Record<string, Threshold[]> = { step_errors: [`rate<=${MAX_ERROR_RATE}`], checks: [`rate>=${1 - MAX_ERROR_RATE}`] };
  for (const role of ROLES) {
    const needed = atLeast(PLANNED[role]);
    all[`journeys_started{role:${role}}`] = [`count>=${PLANNED[role]}`];
    all[`journeys_completed{role:${role}}`] = [`count>=${needed}`];
    all[`totp_waits{role:${role}}`] = ['count>=0'];
    for (const step of STEPS) {
      const tags = `{role:${role},step:${step}}`;
      all[`step_ok${tags}`] = [`count>=${isOptional(role, step) ? 0 : needed}`];
      all[`step_skipped${tags}`] = ['count>=0'];
      all[`step_duration${tags}`] = [`p(95)<${P95_LIMIT_MS}`];
    }
  }
  return all;
}

/** A head is enrolled nowhere, so the home may list no course to open. */
function isOptional(role: Role, step: Step): boolean {
  return role === 'head' && step === 'open_course';
}

/** Of what was planned, all but what may fail; at least one, because nothing at all proves nothing. */
function atLeast(planned: number): number {
  return Math.max(1, Math.floor(planned * (1 - MAX_ERROR_RATE)));
}
