// Settles the morning of 6 April 2021: everybody comes at their time, whoever is refused comes back, and whoever is in goes on working.
import { sleep } from 'k6';
import { SharedArray } from 'k6/data';
import exec from 'k6/execution';
import type { Options } from 'k6/options';
import { APRIL_6, fittingPeak, lengthS, peopleAtOnce, planned, stages, TIME_UNIT_S } from '../lib/curve.ts';
import { whoComes } from '../lib/crowd.ts';
import { comeAndStay } from '../lib/person.ts';
import { CAPACITY_PER_S, PATIENCE_S, PEAK_PER_S, REPORT } from '../lib/settings.ts';
import { common, startAnywhere } from '../lib/options.ts';
import { missedThresholds, type SummaryData, value } from '../lib/summary.ts';
import type { Adapter } from '../lib/types.ts';
import type { LoadScenario, RunData } from './scenario.ts';

/** A visit with its pauses takes about so long, in seconds. */
const VISIT_S = 14;
/** 222 MB of memory for each thousand. */
const MOST_VUS = 5000;

/** What k6 says of requests as a whole: where time goes when people see more of it than the front door does. */
const REQUEST_PARTS = ['blocked', 'connecting', 'tls_handshaking', 'sending', 'waiting', 'receiving'];

/** The morning in figures. */
interface Morning {
  peakPerS: number;
  planned: number;
  vus: number;
}

/** Computed once: init code runs again for every virtual user, and there are thousands. */
const [MORNING] = new SharedArray('the morning in figures', () => [morning()]) as [Morning];

export function april6(adapter: Adapter): LoadScenario {
  return {
    options: options(),
    setup: () => {
      console.log(JSON.stringify({ kind: 'start', at: Date.now() }));
      return startAnywhere();
    },
    run: (data: RunData) => {
      const { role, person, isClumsy } = whoComes(exec.scenario.iterationInTest, data.offset);
      comeAndStay(adapter, role, person, { patienceS: PATIENCE_S, isClumsy, pause, keepsDevice: false });
    },
    summarize: (data) => summarize(data, adapter),
  };
}

/** Somewhat fewer are let in than a calibration found, or no virtual user would be left at the slightest weakness. */
function morning(): Morning {
  const load = { peakPerS: PEAK_PER_S, capacityPerS: CAPACITY_PER_S * 0.9, patienceS: PATIENCE_S, visitS: VISIT_S };
  const peakPerS = fittingPeak(APRIL_6, load, MOST_VUS);
  return { peakPerS, planned: planned(APRIL_6, peakPerS), vus: peopleAtOnce(APRIL_6, { ...load, peakPerS }) };
}

function options(): Options {
  const { peakPerS, vus } = MORNING;
  return {
    ...common(),
    scenarios: {
      crowd: {
        executor: 'ramping-arrival-rate',
        exec: 'run',
        ...stages(APRIL_6, peakPerS),
        timeUnit: `${TIME_UNIT_S}s`,
        preAllocatedVUs: vus,
        maxVUs: vus,
        gracefulStop: `${PATIENCE_S + 2 * VISIT_S}s`,
      },
    },
    // What people saw is judged from their lines. Here only: that they came at all, or nothing is proved by the rest.
    thresholds: { iterations: [`count>=${Math.floor(MORNING.planned * 0.99)}`], dropped_iterations: ['count<=0'] },
  };
}

function summarize(data: SummaryData, adapter: Adapter): Record<string, string> {
  const report = {
    adapter: adapter.name,
    capabilities: adapter.capabilities,
    phases: APRIL_6,
    peakPerS: MORNING.peakPerS,
    askedPeakPerS: PEAK_PER_S,
    patienceS: PATIENCE_S,
    lengthS: lengthS(APRIL_6),
    planned: MORNING.planned,
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
