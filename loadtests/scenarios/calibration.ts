// Settles what the target can do now: people who sign in and visit without a pause, just so many that none has to queue for long.
import exec from 'k6/execution';
import { whoComes } from '../lib/crowd.ts';
import { common, startAnywhere } from '../lib/options.ts';
import { comeAndStay } from '../lib/person.ts';
import { CALIBRATION_S, PATIENCE_S, REPORT } from '../lib/settings.ts';
import { missedThresholds, type SummaryData, value } from '../lib/summary.ts';
import type { Adapter } from '../lib/types.ts';
import type { LoadScenario, RunData } from './scenario.ts';

/** More than there are cores to hash on, and fewer than the waiting room lets in at once. */
const PEOPLE = 32;

/**
 * Whole visits, because the cores that check passwords also serve those who are in, and as many mistyped passwords as in the
 * morning: sign-ins alone would promise a rate that no morning can have.
 */
export function calibration(adapter: Adapter): LoadScenario {
  return {
    options: {
      ...common(),
      scenarios: {
        saturation: {
          executor: 'constant-vus',
          exec: 'run',
          vus: PEOPLE,
          duration: `${CALIBRATION_S}s`,
          gracefulStop: '10s',
        },
      },
      thresholds: { iterations: [`count>=${PEOPLE}`] },
    },
    setup: () => {
      console.log(JSON.stringify({ kind: 'start', at: Date.now() }));
      return startAnywhere();
    },
    run: (data: RunData) => {
      const { role, person, isClumsy } = whoComes(exec.scenario.iterationInTest, data.offset);
      const manners = { patienceS: PATIENCE_S, isClumsy, pause: () => undefined, keepsDevice: true };
      comeAndStay(adapter, role, person, manners);
    },
    summarize: (data: SummaryData) => {
      const report = { lengthS: CALIBRATION_S, ended: value(data, 'iterations', 'count'), missed: missedThresholds(data) };
      const text = `${JSON.stringify(report)}\n`;
      return REPORT === undefined ? { stdout: text } : { [REPORT]: text };
    },
  };
}
