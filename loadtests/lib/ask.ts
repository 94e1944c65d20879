// Settles how often a request is sent: once; and where a scenario watches, once more when it was not answered and may be repeated.
import { sleep } from 'k6';
import http, { type RefinedParams, type RefinedResponse } from 'k6/http';

export type Response = RefinedResponse<'text'>;

export interface Request {
  method: string;
  url: string;
  body: string | null;
  params: RefinedParams<'text'>;
  /** Whether it does the same however often it arrives: it reads or ends something, has a key, or is a sign-in. */
  isRepeatable: boolean;
}

/** Whoever is asked to wait longer than this before a second try does not wait so long, in seconds. */
export const MOST_S = 5;
/** Whoever is not told when to come back. */
export const AT_ONCE_S = 1;

/** What became of a request: its last answer, and the first one where that was none. */
export interface Asked {
  /** Method and route. */
  name: string;
  /** When it was sent first, and for how long until its last answer: milliseconds. */
  at: number;
  tookMs: number;
  first?: Answered;
  last: Answered;
}

export interface Answered {
  /** 0 where the connection broke or nobody answered in time. */
  status: number;
  code: string;
}

type Watch = (asked: Asked) => void;
let watch: Watch | undefined;

/** From now on this virtual user repeats what it may, once, and `told` hears of every request. */
export function repeatOnce(told: Watch): void {
  watch = told;
}

export function ask(request: Request): Response {
  const at = Date.now();
  return finished(request, send(request), at);
}

/** Several at once, as browsers do; each is repeated by itself. */
export function askAtOnce(requests: Request[]): Response[] {
  const at = Date.now();
  const answers = http.batch(requests.map(({ method, url, body, params }) => ({ method, url, body, params }))) as Response[];
  return requests.map((request, index) => {
    const answer = answers[index];
    if (answer === undefined) throw new Error('an answer for each request');
    return finished(request, answer, at);
  });
}

function send({ method, url, body, params }: Request): Response {
  return http.request(method, url, body, params);
}

function finished(request: Request, answer: Response, at: number): Response {
  if (watch === undefined) return answer;
  const tell = watch;
  const name = request.params.tags?.['name'] ?? request.url;
  const first = answered(answer);
  if (!isToRepeat(first) || !request.isRepeatable) {
    tell({ name, at, tookMs: Date.now() - at, last: first });
    return answer;
  }
  sleep(waitS(answer.headers['Retry-After']));
  const second = send(request);
  tell({ name, at, tookMs: Date.now() - at, first, last: answered(second) });
  return second;
}

/** No answer, or one that says to try again. A place in the waiting room is what was asked for: a place. */
export function isToRepeat({ status, code }: Answered): boolean {
  return [0, 502, 503, 504].includes(status) && code !== 'waiting_room';
}

/** Seconds before the second try. */
export function waitS(retryAfter: string | undefined): number {
  const told = Number(retryAfter);
  return Math.min(told > 0 ? told : AT_ONCE_S, MOST_S);
}

function answered(response: Response): Answered {
  return { status: response.status, code: response.error === '' ? codeOf(response.body) : response.error };
}

function codeOf(body: string | null): string {
  const found = /"code":"([a-z_]+)"/.exec(body ?? '');
  return found?.[1] ?? '';
}
