// Settles that the rules of the load tests hold; k6 runs it: `k6 run loadtests/rules_test.ts`, exit code 107 when one does not.
import { AT_ONCE_S, isToRepeat, MOST_S, waitS } from './lib/ask.ts';
import { APRIL_6, fittingPeak, lengthS, peopleAtOnce, planned, rateAt, stages, TIME_UNIT_S } from './lib/curve.ts';
import { isLetIn, next, RETYPE_S, UNTOLD_S } from './lib/retry.ts';
import type { Result } from './lib/types.ts';

export const options = { iterations: 1 };

function same(what: string, found: unknown, expected: unknown): void {
  const [left, right] = [JSON.stringify(found), JSON.stringify(expected)];
  if (left !== right) throw new Error(`${what}: found ${left}, expected ${right}`);
}

// The curve: peaks in real time, whatever is compressed elsewhere, or no backlog forms.
const plateau = APRIL_6.filter((phase) => phase.clock === '8:00');
same('the plateau of 8:00', plateau, [{ clock: '8:00', seconds: 120, from: 1, to: 1, isPlateau: true }]);
same('length of the morning', lengthS(APRIL_6), 450);
same('peak', Math.max(...APRIL_6.flatMap((phase) => [phase.from, phase.to])), 1);
same('rate in the middle of the first ramp', Math.round(rateAt(APRIL_6, 100, 15)), 15);
same('rate after a step', [rateAt(APRIL_6, 100, 239), rateAt(APRIL_6, 100, 240)].map(Math.round), [56, 95]);
same('rate after the end', rateAt(APRIL_6, 100, 450), 0);

// k6 is told the same curve, and steps take no time.
const told = stages(APRIL_6, 10);
same('stages last as long', told.stages.reduce((sum, stage) => sum + parseInt(stage.duration), 0), 450);
same('start', told.startRate, 0.05 * 10 * TIME_UNIT_S);
same('the step to 8:50', told.stages.slice(5, 7), [
  { target: 950, duration: '0s' },
  { target: 950, duration: '60s' },
]);
same('planned', planned([{ clock: '', seconds: 60, from: 0.5, to: 1 }], 10), 450);

// Virtual users: enough for those who wait and those who are in, never for longer than patience.
const flat = [{ clock: '', seconds: 100, from: 1, to: 1 }];
const load = { peakPerS: 15, capacityPerS: 10, patienceS: 1000, visitS: 10 };
same('backlog of 5 a second for 100 s, visits, and one second of arrivals', peopleAtOnce(flat, load), 500 + 100 + 15);
same('nobody waits longer than patience', peopleAtOnce(flat, { ...load, patienceS: 10 }), 150 + 100 + 15);
const fitting = fittingPeak(flat, load, 400);
same('a peak that fits', [fitting > 12.5, fitting < 13, peopleAtOnce(flat, { ...load, peakPerS: fitting }) <= 400], [true, true, true]);
same('a peak that fits already', fittingPeak(flat, load, 5000), 15);

// Retries are closed-loop: whoever is refused comes back when told to, until patience is over.
const answer = (outcome: Result<null>['outcome'], more: Partial<Result<null>> = {}): Result<null> => ({ outcome, detail: '', ...more });
const fresh = { sinceS: 0, patienceS: 60, hasTypedWell: true };
same('in', next(answer('ok'), fresh), { act: 'enter' });
same('an appointment is honoured', next(answer('queued', { retryAfter: 17 }), fresh), { act: 'come_back', inS: 17 });
same('Retry-After is honoured', next(answer('shed', { retryAfter: 4 }), fresh), { act: 'come_back', inS: 4 });
same('untold', next(answer('error'), fresh), { act: 'come_back', inS: UNTOLD_S });
same('out of patience', next(answer('queued', { retryAfter: 17 }), { ...fresh, sinceS: 44 }), { act: 'leave' });
same('denied for good', next(answer('denied'), fresh), { act: 'leave' });
same('a code used', next(answer('denied', { retryAfter: 9 }), fresh), { act: 'come_back', inS: 9 });
same('mistyped', next(answer('denied'), { ...fresh, hasTypedWell: false }), { act: 'come_back', inS: RETYPE_S });
same('let in', (['ok', 'denied', 'queued', 'shed', 'error'] as const).map((outcome) => isLetIn(answer(outcome))), [true, true, false, false, false]);

// A request is repeated once, and only where no answer came or one that says to try again; nobody waits for long before that.
const answers = [0, 200, 201, 401, 409, 429, 500, 502, 503, 504].filter((status) => isToRepeat({ status, code: '' }));
same('what is repeated', answers, [0, 502, 503, 504]);
same('a place in the waiting room is an answer', isToRepeat({ status: 503, code: 'waiting_room' }), false);
same('Retry-After before the second try', [waitS('2'), waitS('60'), waitS(undefined), waitS('soon')], [2, MOST_S, AT_ONCE_S, AT_ONCE_S]);

export default function pass(): void {
  // All has been said before the first iteration.
}
