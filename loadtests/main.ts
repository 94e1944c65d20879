// Settles how k6 enters: the scenario and the adapter are chosen by environment, everything else is theirs.
import { chooseScenario, type RunData } from './scenarios/scenario.ts';
import type { SummaryData } from './lib/summary.ts';

const scenario = chooseScenario(__ENV['SCENARIO'] ?? 'smoke', __ENV['ADAPTER'] ?? 'reference');

export const options = scenario.options;

export function setup(): RunData {
  return scenario.setup();
}

export function run(data: RunData): void {
  scenario.run(data);
}

export function handleSummary(data: SummaryData): Record<string, string> {
  return scenario.summarize(data);
}
