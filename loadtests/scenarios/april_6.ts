// Settles a crowd, that of 6 April 2021 or a surge: everybody comes at their time, whoever is refused comes back, and whoever is in goes on working.
import { sleep } from 'k6';
import { SharedArray } from 'k6/data';
import exec from 'k6/execution';
import type { Options } from 'k6/options';
import { APRIL_6, fittingPeak, lengthS, peopleAtOnce, type Phase, planned, stages, surge, TIME_UNIT_S } from '../lib/curve.ts';
import { whoComes } from '../lib/crowd.ts';
import { comeAndStay } from '../lib/person.ts';
import { CAPACITY_PER_S, PATIENCE_S, PEAK_PER_S, REPORT } from '../lib/settings.ts';
import { common, startAnywhere } from '../lib/options.ts';
import { missedThresholds, type SummaryData, value } from '../lib/summary.ts';
import type { Adapter } from '../lib/types.ts';
import type { LoadScenario, RunData } from './scenario.ts';

/** A visit with its pauses takes about so long, in seconds. */
const VISIT_S = 14;
/** Half a gigabyte of memory for each thousand. */
const MOST_VUS = 5000;
/** Of these, so many come in a surge; the others are there for those who come after it. */
const IN_A_SURGE = 0.76;

/** What k6 says of requests as a whole: where time goes when people see more of it than the front door does. */
const REQUEST_PARTS = ['blocked', 'connecting', 'tls_handshaking', 'sending', 'waiting', 'receiving'];

/** A day in figures. */
interface Day {
  phases: readonly Phase[];
  peakPerS: number;
  planned: number;
  vus: number;
}

/** Computed once: init code runs again for every virtual user, and there are thousands. */
const [MORNING, SURGE] = new SharedArray('the days in figures', () => [
  inFigures(APRIL_6),
  inFigures(surge(PEAK_PER_S, MOST_VUS * IN_A_SURGE)),
]) as [Day, Day];

export const april6 = (adapter: Adapter): LoadScenario => crowd(adapter, MORNING);
export const surged = (adapter: Adapter): LoadScenario => crowd(adapter, SURGE);

function crowd(adapter: Adapter, day: Day): LoadScenario {
  return {
    options: options(day),
    setup: () => {
      console.log(JSON.stringify({ kind: 'start', at: Date.now() }));
      return startAnywhere();
    },
    run: (data: RunData) => {
      const { role, person, isClumsy } = whoComes(exec.scenario.iterationInTest, data.offset);
      comeAndStay(adapter, role, person, { patienceS: PATIENCE_S, isClumsy, pause, keepsDevice: false });
    },
    summarize: (data) => summarize(data, adapter, day),
  };
}

/** Somewhat fewer are let in than a calibration found, or no virtual user would be left at the slightest weakness. */
function inFigures(phases: readonly Phase[]): Day {
  const load = { peakPerS: PEAK_PER_S, capacityPerS: CAPACITY_PER_S * 0.9, patienceS: PATIENCE_S, visitS: VISIT_S };
  const peakPerS = fittingPeak(phases, load, MOST_VUS);
  return { phases, peakPerS, planned: planned(phases, peakPerS), vus: peopleAtOnce(phases, { ...load, peakPerS }) };
}

function options({ phases, peakPerS, vus, planned }: Day): Options {
  return {
    ...common(),
    scenarios: {
      crowd: {
        executor: 'ramping-arrival-rate',
        exec: 'run',
        ...stages(phases, peakPerS),
        timeUnit: `${TIME_UNIT_S}s`,
        preAllocatedVUs: vus,
        maxVUs: vus,
        gracefulStop: `${PATIENCE_S + 2 * VISIT_S}s`,
      },
    },
    // What people saw is judged from their lines. Here only: that they came at all, or nothing is proved by the rest.
    thresholds: { iterations: [`count>=${Math.floor(planned * 0.99)}`], dropped_iterations: ['count<=0'] },
  };
}

function summarize(data: SummaryData, adapter: Adapter, day: Day): Record<string, string> {
  const report = {
    adapter: adapter.name,
    capabilities: adapter.capabilities,
    phases: day.phases,
    peakPerS: day.peakPerS,
    askedPeakPerS: PEAK_PER_S,
    patienceS: PATIENCE_S,
    lengthS: lengthS(day.phases),
    planned: day.planned,
    ended: value(data, 'iterations', 'count'),
    dropped: value(data, 'dropped_iterations', 'count'),
    mostVus: value(data, 'vus_max', 'max'),
    missed: missedThresholds(data),
    requests: Object.fromEntries(REQUEST_PARTS.map((part) => [part, data.metrics[`http_req_${part}`]?.values])),
  };
  const text = `${JSON.stringify(report)}\n`;
  return REPORT === undefined ? { stdout: text } : { [REPORT]: text };
}

/** Between two steps people read. */
function pause(): void {
  sleep(2 + Math.random() * 2);
}
