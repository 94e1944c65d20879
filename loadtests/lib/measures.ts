// Settles what is counted: every step and every journey by role, so that thresholds can ask for numbers and not only for rates.
import { check } from 'k6';
import { Counter, Rate, Trend } from 'k6/metrics';
import { isDone, type Outcome, type Role, type Step } from './types.ts';

const stepDuration = new Trend('step_duration', true);
const stepOk = new Counter('step_ok');
const stepSkipped = new Counter('step_skipped');
const stepErrors = new Rate('step_errors');
const journeysStarted = new Counter('journeys_started');
const journeysCompleted = new Counter('journeys_completed');
const codeWaits = new Counter('totp_waits');

export function journeyStarted(role: Role): void {
  journeysStarted.add(1, { role });
}

export function journeyCompleted(role: Role): void {
  journeysCompleted.add(1, { role });
}

/** Somebody had to wait for the next TOTP code. */
export function waitedForCode(role: Role): void {
  codeWaits.add(1, { role });
}

/** Counts a step. Skipped steps are neither ok nor errors; refusals and errors alike are errors here. */
export function stepDone(role: Role, step: Step, outcome: Outcome, milliseconds: number): void {
  const tags = { role, step };
  if (outcome === 'skipped') {
    stepSkipped.add(1, tags);
    return;
  }
  const isOk = isDone(outcome);
  check(outcome, { [`${role}: ${step}`]: () => isOk });
  stepDuration.add(milliseconds, tags);
  stepErrors.add(!isOk, tags);
  if (isOk) stepOk.add(1, tags);
}
