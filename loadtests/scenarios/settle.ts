// Settles what was before a campaign: people sign in on devices that become theirs, write, and come back on them a day later.
import exec from 'k6/execution';
import { SharedArray } from 'k6/data';
import { whoComes } from '../lib/crowd.ts';
import { common } from '../lib/options.ts';
import { comeAndStay } from '../lib/person.ts';
import { campaigns, HONEST, ownDevices } from '../lib/region.ts';
import { PATIENCE_S, REPORT, SEED } from '../lib/settings.ts';
import { familyOfSeed, type Thief } from '../lib/thieves.ts';
import type { Adapter } from '../lib/types.ts';
import type { LoadScenario } from './scenario.ts';

const AT_ONCE = 32;

export function settle(adapter: Adapter): LoadScenario {
  const victims: readonly Thief[] = new SharedArray('victims', ownersOfUsedDevices);
  const people = HONEST + victims.length;
  const onOwnDevice = ownDevices();
  return {
    options: {
      ...common(),
      scenarios: {
        everybody: {
          executor: 'shared-iterations',
          exec: 'run',
          vus: AT_ONCE,
          iterations: people,
          maxDuration: '5m',
        },
      },
      thresholds: { iterations: [`count>=${people}`] },
    },
    setup: () => {
      console.log(JSON.stringify({ kind: 'start', at: Date.now() }));
      return { offset: 0 };
    },
    run: () => {
      const nth = exec.scenario.iterationInTest;
      const { role, person } = victims[nth - HONEST] ?? whoComes(nth, 0);
      const manners = { patienceS: PATIENCE_S, isClumsy: false, pause: () => undefined, keepsDevice: true };
      comeAndStay(adapter, role, onOwnDevice(person), manners);
    },
    summarize: () => (REPORT === undefined ? {} : { [REPORT]: `${JSON.stringify({ planned: people })}\n` }),
  };
}

/** Those whose own device a thief will use, in the campaigns of seeds from 0 to SEED. */
function ownersOfUsedDevices(): Thief[] {
  const seeds = Array.from({ length: SEED + 1 }, (_, seed) => ({ seed, family: familyOfSeed(seed) }));
  return campaigns(seeds).flatMap((one) => one.thieves.filter((thief) => thief.isOnKnownDevice));
}
