// Settles what a scenario consists of, and which there are.
import type { Options } from 'k6/options';
import { reference } from '../adapters/reference.ts';
import type { SummaryData } from '../lib/summary.ts';
import type { Adapter } from '../lib/types.ts';
import { april6, surged } from './april_6.ts';
import { calibration } from './calibration.ts';
import { compromisedAccount } from './compromised_account.ts';
import { flood } from './flood.ts';
import { found } from './found.ts';
import { rollingRestart } from './rolling_restart.ts';
import { settle } from './settle.ts';
import { smoke } from './smoke.ts';
import { witness } from './witness.ts';

/** What all virtual users of a run share. */
export interface RunData {
  /** Where in the list of accounts the run starts. */
  offset: number;
}

export interface LoadScenario {
  options: Options;
  setup(): RunData;
  run(data: RunData): void;
  summarize(data: SummaryData): Record<string, string>;
}

const ADAPTERS: Record<string, Adapter> = { reference };
const SCENARIOS: Record<string, (adapter: Adapter) => LoadScenario> = {
  smoke,
  'april-6': april6,
  surge: surged,
  calibration,
  flood,
  settle,
  'compromised-account': compromisedAccount,
  witness,
  'rolling-restart': rollingRestart,
  found,
};

/** The scenario `name` against the target that `adapter` speaks to. Throws, with the choices, when there is no such. */
export function chooseScenario(name: string, adapter: string): LoadScenario {
  return chosen('SCENARIO', SCENARIOS, name)(chosen('ADAPTER', ADAPTERS, adapter));
}

function chosen<T>(variable: string, choices: Record<string, T>, name: string): T {
  const choice = Object.hasOwn(choices, name) ? choices[name] : undefined;
  if (choice === undefined) {
    throw new Error(`${variable} must be one of ${Object.keys(choices).join(', ')}, not "${name}"`);
  }
  return choice;
}
