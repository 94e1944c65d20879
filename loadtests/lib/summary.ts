// Settles what a run reports: a scorecard to read (role by step, served of planned, what was red) and the same as JSON.
import { BASE_URL, MAX_ERROR_RATE, REPORT } from './settings.ts';
import { ROLES, STEPS, type Role, type Step } from './types.ts';

/** The part of k6's end-of-test data that is used. Metrics without samples have no values. */
export interface SummaryData {
  metrics: Record<string, Metric | undefined>;
}

interface Metric {
  values: Record<string, number | undefined>;
  thresholds?: Record<string, { ok: boolean }>;
}

export interface Run {
  scenario: string;
  adapter: string;
  planned: Record<Role, number>;
}

interface StepScore {
  count: number;
  ok: number;
  skipped: number;
  p50Ms: number;
  p95Ms: number;
  maxMs: number;
}

interface RoleScore {
  planned: number;
  started: number;
  served: number;
  totpWaits: number;
  steps: Record<Step, StepScore>;
}

interface Report {
  scenario: string;
  adapter: string;
  target: string;
  maxErrorRate: number;
  passed: boolean;
  planned: number;
  served: number;
  servedOfPlanned: number;
  droppedIterations: number;
  roles: Record<Role, RoleScore>;
  /** Every threshold that was missed, as "metric: expression". */
  missed: string[];
}

/** What k6 writes at the end: the scorecard to standard output, the report to the file that REPORT names. */
export function scorecard(data: SummaryData, run: Run): Record<string, string> {
  const report = reportOf(data, run);
  const written: Record<string, string> = { stdout: `${text(report).join('\n')}\n` };
  if (REPORT !== undefined) written[REPORT] = `${JSON.stringify(report, null, 2)}\n`;
  return written;
}

function reportOf(data: SummaryData, run: Run): Report {
  const roles = Object.fromEntries(ROLES.map((role) => [role, roleScore(data, role, run.planned[role])])) as Report['roles'];
  const planned = sum(ROLES.map((role) => roles[role].planned));
  const served = sum(ROLES.map((role) => roles[role].served));
  const missed = missedThresholds(data);
  return {
    scenario: run.scenario,
    adapter: run.adapter,
    target: BASE_URL,
    maxErrorRate: MAX_ERROR_RATE,
    passed: missed.length === 0,
    planned,
    served,
    servedOfPlanned: served / planned,
    droppedIterations: value(data, 'dropped_iterations', 'count'),
    roles,
    missed,
  };
}

function roleScore(data: SummaryData, role: Role, planned: number): RoleScore {
  return {
    planned,
    started: value(data, `journeys_started{role:${role}}`, 'count'),
    served: value(data, `journeys_completed{role:${role}}`, 'count'),
    totpWaits: value(data, `totp_waits{role:${role}}`, 'count'),
    steps: Object.fromEntries(STEPS.map((step) => [step, stepScore(data, role, step)])) as RoleScore['steps'],
  };
}

function stepScore(data: SummaryData, role: Role, step: Step): StepScore {
  const tags = `{role:${role},step:${step}}`;
  const duration = (stat: string): number => value(data, `step_duration${tags}`, stat);
  return {
    count: duration('count'),
    ok: value(data, `step_ok${tags}`, 'count'),
    skipped: value(data, `step_skipped${tags}`, 'count'),
    p50Ms: duration('med'),
    p95Ms: duration('p(95)'),
    maxMs: duration('max'),
  };
}

/** Every threshold that was missed, as "metric: expression". */
export function missedThresholds(data: SummaryData): string[] {
  const missed = Object.entries(data.metrics).flatMap(([name, metric]) =>
    Object.entries(metric?.thresholds ?? {})
      .filter(([, threshold]) => !threshold.ok)
      .map(([expression]) => `${name}: ${expression}`),
  );
  return missed.sort();
}

/** A figure of k6's; 0 where there was no sample. */
export function value(data: SummaryData, metric: string, stat: string): number {
  return data.metrics[metric]?.values[stat] ?? 0;
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function text(report: Report): string[] {
  const percent = (report.servedOfPlanned * 100).toFixed(1);
  return [
    '',
    `${report.scenario} against ${report.target} (adapter ${report.adapter})`,
    `served/planned: ${report.served}/${report.planned} (${percent} %), dropped ${report.droppedIterations}`,
    '',
    row(['role', 'step', 'count', 'ok', 'skipped', 'p50 ms', 'p95 ms', 'max ms']),
    ...ROLES.flatMap((role) => roleRows(role, report.roles[role])),
    '',
    ...verdict(report),
    '',
  ];
}

function roleRows(role: Role, score: RoleScore): string[] {
  const waits = score.totpWaits > 0 ? `, ${score.totpWaits} waited for a fresh code` : '';
  const head = `${role}: ${score.served} of ${score.planned} journeys, ${score.started} started${waits}`;
  return [head, ...STEPS.map((step) => stepRow(step, score.steps[step]))];
}

function stepRow(step: Step, score: StepScore): string {
  const times = [score.p50Ms, score.p95Ms, score.maxMs].map((ms) => (score.count === 0 ? '-' : ms.toFixed(0)));
  return row(['', step, score.count.toFixed(0), score.ok.toFixed(0), score.skipped.toFixed(0), ...times]);
}

function row(cells: string[]): string {
  return cells.map((cell, column) => (column < 2 ? cell.padEnd(column === 0 ? 6 : 12) : cell.padStart(8))).join(' ');
}

function verdict(report: Report): string[] {
  if (report.passed) return ['PASSED: every threshold was met'];
  return ['FAILED:', ...report.missed.map((missed) => `  ${missed}`)];
}
