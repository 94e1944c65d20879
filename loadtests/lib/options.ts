// Settles what all scenarios ask of k6.
import type { Options } from 'k6/options';
import { INSECURE_TLS } from './settings.ts';

/** Every person brings a new connection and new cookies, as in life. */
export function common(): Options {
  return {
    noVUConnectionReuse: true,
    noCookiesReset: false,
    // A redirect must not carry the load elsewhere.
    maxRedirects: 0,
    insecureSkipTLSVerify: INSECURE_TLS,
    setupTimeout: '10s',
    summaryTrendStats: ['count', 'med', 'p(95)', 'max'],
  };
}

/** Runs of one day take different people, unless somebody says which. */
export function startAnywhere(): { offset: number } {
  return { offset: Number(__ENV['USERS_OFFSET'] ?? Math.floor(Math.random() * 1_000_000)) };
}
