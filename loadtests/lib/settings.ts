// Settles which environment variables steer a run, and refuses values that make no sense.
import { guardedTarget } from './guard.ts';

/** Where the target answers, without a slash at the end. */
export const BASE_URL = guardedTarget(__ENV['BASE_URL'] ?? 'https://localhost:8443', __ENV['ALLOW_TARGET']);

/** The share of steps, and of journeys, that may fail: 0 unless a run injects faults on purpose. */
export const MAX_ERROR_RATE = number('MAX_ERROR_RATE', 0, 0, 1);

/** The slowest a step may be at the 95th percentile, in milliseconds. */
export const P95_LIMIT_MS = number('P95_LIMIT_MS', 3000, 1, 600_000);

/** The accounts of the seeded region. k6 takes a relative path from the file that opens it, which is lib/users.ts. */
export const ACCOUNTS = absolute('ACCOUNTS') ?? '../../.ent/accounts.csv';

/** People who come per second at the peak of april-6, and how many of them can sign in per second, as a calibration found. */
export const PEAK_PER_S = number('PEAK_PER_S', 10, 0.1, 10_000);
export const CAPACITY_PER_S = number('CAPACITY_PER_S', PEAK_PER_S, 0.1, 10_000);

/** Whoever is not signed in after so many seconds gives up. */
export const PATIENCE_S = number('PATIENCE_S', 180, 1, 7200);

/** How long a calibration measures, in seconds. */
export const CALIBRATION_S = number('CALIBRATION_S', 15, 5, 600);

/** Requests per second of the flood. */
export const FLOOD_PER_S = number('FLOOD_PER_S', 100, 1, 20_000);

/** Devices that somebody has signed in on, as a calibration left them: lines of role and cookie. */
export const DEVICES = absolute('DEVICES');

/** How far the target's calendar is ahead of this machine's, in seconds, when a proof lets a night come. */
export const CLOCK_AHEAD_S = number('CLOCK_AHEAD_S', 0, 0, 315_360_000);

/** Which generated campaign, of which family when not the seed's own, and for how long it is watched, in seconds. */
export const SEED = number('SEED', 0, 0, 1_000_000);
export const FAMILY = __ENV['FAMILY'];
export const CAMPAIGN_S = number('CAMPAIGN_S', 45, 5, 3600);

/** Accounts that received a message of a campaign: a list of logins. */
export const WITNESSES = absolute('WITNESSES');

/** rolling-restart: visits per second, and after how many seconds the load ends if nobody ends it. */
export const VISITS_PER_S = number('VISITS_PER_S', 4, 0.1, 1000);
export const LONGEST_S = number('LONGEST_S', 600, 10, 7200);

/** What mailboxes should hold: a list of login, mailbox, and subjects of messages since a time. */
export const EXPECTED = absolute('EXPECTED');

/** Where to write the JSON report, if anywhere. */
export const REPORT = absolute('REPORT');

/** Skips the verification of the certificate; without it, SSL_CERT_FILE names the authority to trust. */
export const INSECURE_TLS = __ENV['INSECURE_TLS'] === '1';

function number(name: string, fallback: number, low: number, high: number): number {
  const text = __ENV[name];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (!(value >= low && value <= high)) {
    throw new Error(`${name} must be a number from ${low} to ${high}, not "${text}"`);
  }
  return value;
}

function absolute(name: string): string | undefined {
  const path = __ENV[name];
  if (path === undefined || path === '') return undefined;
  if (!path.startsWith('/')) throw new Error(`${name} must be an absolute path, not "${path}"`);
  return path;
}
