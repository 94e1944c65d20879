// Settles the attack of that day: sign-ins of invented people from many addresses, in bursts in the morning and without a pause at 14:30.
import exec from 'k6/execution';
import http from 'k6/http';
import { Counter } from 'k6/metrics';
import type { Options, Scenario } from 'k6/options';
import { APRIL_6, type Phase } from '../lib/curve.ts';
import { common } from '../lib/options.ts';
import { BASE_URL, FLOOD_PER_S, REPORT } from '../lib/settings.ts';
import { type SummaryData, value } from '../lib/summary.ts';
import type { LoadScenario } from './scenario.ts';

/** Short attacks: so long each, in seconds, and how many in their phase. */
const BURST_S = 3;
const BURSTS = 3;
/** Attackers do not wait for answers longer than this. */
const TIMEOUT = '2s';
const VUS = 200;

const answers = new Counter('flood_answers');
/** Refused, let in to have a password checked, and no answer at all. */
const KINDS = ['refused', 'checked', 'none'] as const;

export function flood(): LoadScenario {
  return {
    options: options(),
    setup: () => ({ offset: 0 }),
    run: attack,
    summarize: (data: SummaryData) => {
      const counts = KINDS.map((kind) => [kind, value(data, `flood_answers{kind:${kind}}`, 'count')]);
      const report = { answers: Object.fromEntries(counts) as Record<string, number>, dropped: value(data, 'dropped_iterations', 'count') };
      const text = `${JSON.stringify(report)}\n`;
      return REPORT === undefined ? { stdout: text } : { [REPORT]: text };
    },
  };
}

/** Attackers keep no cookies, so each request asks for a place of its own. */
function attack(): void {
  const body = JSON.stringify({ login: `nobody.${exec.scenario.iterationInTest}`, password: 'wrong' });
  const headers = { Origin: BASE_URL, 'Content-Type': 'application/json' };
  const response = http.post(`${BASE_URL}/auth/v1/sessions`, body, { headers, timeout: TIMEOUT, jar: new http.CookieJar() });
  answers.add(1, { kind: response.status === 0 ? 'none' : response.status === 401 ? 'checked' : 'refused' });
}

function options(): Options {
  return {
    ...common(),
    // An attacker keeps the connections: that costs it less.
    noVUConnectionReuse: false,
    discardResponseBodies: true,
    scenarios: Object.fromEntries(attacks().map((one, index) => [`attack_${index}`, one])),
    thresholds: Object.fromEntries(KINDS.map((kind) => [`flood_answers{kind:${kind}}`, ['count>=0']])),
  };
}

function attacks(): Scenario[] {
  let beganS = 0;
  return APRIL_6.flatMap((phase) => {
    const list = attacksOf(phase, beganS);
    beganS += phase.seconds;
    return list;
  });
}

function attacksOf(phase: Phase, beganS: number): Scenario[] {
  if (phase.flood === undefined) return [];
  if (phase.flood === 'massive') return [one(beganS, phase.seconds)];
  return Array.from({ length: BURSTS }, (_, index) => one(beganS + (index * phase.seconds) / BURSTS, BURST_S));
}

function one(startS: number, seconds: number): Scenario {
  return {
    executor: 'constant-arrival-rate',
    exec: 'run',
    startTime: `${startS}s`,
    rate: Math.round(FLOOD_PER_S),
    timeUnit: '1s',
    duration: `${seconds}s`,
    preAllocatedVUs: VUS,
    maxVUs: VUS,
    gracefulStop: TIMEOUT,
  };
}
