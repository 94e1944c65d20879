// Settles how this backend is spoken to: JSON over HTTPS, cookies for the session, problems with a stable code for refusals.
import exec from 'k6/execution';
import http, { type RefinedParams } from 'k6/http';
import { ask, askAtOnce, type Request, type Response } from '../lib/ask.ts';
import { BASE_URL, CLOCK_AHEAD_S } from '../lib/settings.ts';
import { secondsToNextCode, totp } from '../lib/totp.ts';
import type {
  Adapter,
  Audience,
  Course,
  Home,
  Inbox,
  Letter,
  Mailbox,
  Named,
  Outcome,
  Page,
  Person,
  Result,
  Sent,
  Shown,
  SignedIn,
  ThreadRef,
} from '../lib/types.ts';

/** Remembers on which device somebody has signed in before. */
const DEVICE_COOKIE = 'ent_device';

/** A refused person who was not told when to come back. */
const DEFAULT_RETRY_S = 2;

/** Acts of this virtual user so far: part of the name of each. */
let acts = 0;

export const reference: Adapter = {
  name: 'reference',
  capabilities: ['totp', 'courses', 'audiences', 'threads', 'waiting_room', 'devices', 'review', 'refresh', 'mailboxes'],
  login,
  askAgain,
  refresh,
  home,
  openCourse,
  sendMessage,
  readMessages,
  openThread,
  mailbox,
  logout,
};

function login(person: Person): Result<SignedIn> {
  const now = Date.now() + CLOCK_AHEAD_S * 1000;
  if (person.device !== undefined) {
    http.cookieJar().set(`${BASE_URL}/auth/v1/sessions`, DEVICE_COOKIE, person.device, { secure: true, path: '/auth/v1' });
  }
  const body: Record<string, string> = { login: person.login, password: person.password };
  if (person.totpSecret !== '') body['totp_code'] = totp(person.totpSecret, now);
  const response = post('/auth/v1/sessions', body, true);
  if (response.status === 401 && problemCode(response) === 'totp_code_used') {
    return { outcome: 'denied', retryAfter: secondsToNextCode(now), detail: 'totp_code_used' };
  }
  if (response.status === 503 && problemCode(response) === 'waiting_room') return queued(response);
  const device = response.cookies[DEVICE_COOKIE]?.[0]?.value;
  return expect(response, 201, (answer) => {
    const person = answer['person'];
    if (!isText(person, 'id')) return undefined;
    const personId = String(person['id']);
    return device === undefined ? { personId } : { personId, device };
  });
}

/** A place in the waiting room. The ticket is in the cookie jar, as in a browser. */
function queued(response: Response): Result<never> {
  return waiting(record(response.body)?.['place']) ?? { outcome: 'error', detail: 'waiting_room without a place' };
}

function askAgain(): Result<null> {
  const response = get('/auth/v1/waiting-room', 'GET /auth/v1/waiting-room');
  if (response.status !== 200) return expect(response, 200);
  const place = record(response.body);
  const isTurn = place?.['ask_again_in_s'] === 0;
  return isTurn ? { outcome: 'ok', value: null, detail: '' } : (waiting(place) ?? { outcome: 'error', detail: 'no place' });
}

function waiting(place: unknown): Result<never> | undefined {
  if (!isRecord(place) || typeof place['ask_again_in_s'] !== 'number') return undefined;
  const told = { outcome: 'queued' as const, retryAfter: place['ask_again_in_s'], detail: String(place['standing']) };
  return typeof place['turn_in_s'] === 'number' ? { ...told, turnInS: place['turn_in_s'] } : told;
}

/** One call per service, at once, as a browser would. What came is used even when another service failed. */
function home(): Result<Home> {
  const paths = ['/auth/v1/me', '/courses/v1/home', '/messaging/v1/home'];
  const [me, courses, messaging] = askAtOnce(paths.map((path) => reading(path, `GET ${path}`))) as [Response, Response, Response];
  const who = expect(me, 200, () => true);
  const taught = expect(courses, 200, coursesHome);
  const mail = expect(messaging, 200, (answer) => audiences(answer['audiences'], taught.value?.classes ?? []));
  const worst = [who, taught, mail].find((part) => part.outcome !== 'ok') ?? who;
  const value = { courses: taught.value?.courses ?? [], audiences: mail.value ?? [] };
  return { outcome: worst.outcome, detail: worst.detail, value };
}

function openCourse(course: Course): Result<null> {
  const response = get(`/courses/v1/courses/${course.id}`, 'GET /courses/v1/courses/{id}');
  return expect(response, 200, (answer) => (answer['id'] === course.id ? null : undefined));
}

/** Stored and delivered (201), or stored until somebody of the school has looked at it (202). */
function sendMessage(to: Audience | Named, parts: readonly string[], letter: Letter): Result<Sent> {
  const { subject, body, threadId } = letter;
  const answered = threadId === undefined ? { subject, body } : { thread_id: threadId, body };
  const response = post('/messaging/v1/messages', { ...answered, audience: named(to, parts) }, true, newKey());
  const result = expect(response, response.status === 202 ? 202 : 201, (answer) => {
    const sent = { id: String(answer['id']), recipients: Number(answer['recipient_count']) };
    return sent.recipients > 0 ? sent : undefined;
  });
  return result.outcome === 'ok' && response.status === 202 ? { ...result, outcome: 'held' } : result;
}

function named(to: Audience | Named, parts: readonly string[]): object {
  switch (to.kind) {
    case 'people':
      return { kind: to.kind, school_id: to.schoolId, ids: to.ids };
    case 'group':
      return { kind: to.kind, school_id: to.schoolId, id: to.id, parts };
    case 'role':
      return { kind: to.kind, school_id: to.schoolId, role: to.role };
  }
}

function readMessages(): Result<Inbox> {
  const response = get('/messaging/v1/inbox?limit=25', 'GET /messaging/v1/inbox');
  return expect(response, 200, (answer) => {
    if (!Array.isArray(answer['messages'])) return undefined;
    const messages = records(answer['messages']).sort((a, b) => Number(a['read']) - Number(b['read']));
    return { threads: messages.map((m) => ({ id: String(m['thread_id']), schoolId: String(m['school_id']) })) };
  });
}

function openThread(thread: ThreadRef): Result<Shown[]> {
  const path = '/messaging/v1/threads/{id}';
  const shown = expect(get(path.replace('{id}', thread.id), `GET ${path}`), 200, (answer) => {
    if (!Array.isArray(answer['messages'])) return undefined;
    return records(answer['messages']).map((one) => ({
      senderId: String(one['sender_id']),
      senderName: String(one['sender_name']),
      body: String(one['body']),
    }));
  });
  if (shown.outcome !== 'ok') return shown;
  const read = { method: 'POST', url: `${BASE_URL}/messaging/v1/threads/${thread.id}/read`, body: null, params: params(`POST ${path}/read`) };
  const marked = expect(ask({ ...read, isRepeatable: true }), 204);
  return marked.outcome === 'ok' ? shown : { outcome: marked.outcome, detail: marked.detail };
}

function logout(): Result<null> {
  const path = '/auth/v1/sessions/current';
  const request = { method: 'DELETE', url: `${BASE_URL}${path}`, body: null, params: params(`DELETE ${path}`) };
  return expect(ask({ ...request, isRepeatable: true }), 204);
}

/** New cookies for those that were given at the sign-in. Within a minute the same handle gets the same answer. */
function refresh(): Result<null> {
  const path = '/auth/v1/sessions/refresh';
  const request = { method: 'POST', url: `${BASE_URL}${path}`, body: null, params: params(`POST ${path}`) };
  return expect(ask({ ...request, isRepeatable: true }), 200);
}

function mailbox(of: Mailbox, after: string | undefined): Result<Page> {
  const from = after === undefined ? '' : `&after=${after}`;
  const response = get(`/messaging/v1/${of}?limit=100${from}`, `GET /messaging/v1/${of}`);
  return expect(response, 200, (answer) => {
    if (!Array.isArray(answer['messages'])) return undefined;
    const messages = records(answer['messages']).map((one) => ({ id: String(one['id']), subject: String(one['subject']), sentAt: Date.parse(String(one['sent_at'])) }));
    return typeof answer['next'] === 'string' ? { messages, next: answer['next'] } : { messages };
  });
}

function reading(path: string, name: string): Request {
  return { method: 'GET', url: `${BASE_URL}${path}`, body: null, params: params(name), isRepeatable: true };
}

function get(path: string, name: string): Response {
  return ask(reading(path, name));
}

function post(path: string, body: object, isRepeatable: boolean, key?: string): Response {
  const { headers, ...rest } = params(`POST ${path}`);
  const keyed = key === undefined ? { ...headers } : { ...headers, 'Idempotency-Key': key };
  return ask({ method: 'POST', url: `${BASE_URL}${path}`, body: JSON.stringify(body), params: { ...rest, headers: keyed }, isRepeatable });
}

/** Names one act, so that nothing happens twice however often it is asked for. */
function newKey(): string {
  acts += 1;
  return `${exec.vu.idInTest}-${Date.now()}-${acts}`;
}

/** `name` groups the addresses of one route; Origin is what a browser sends, and unsafe requests need it. */
function params(name: string): RefinedParams<'text'> {
  const headers = { Origin: BASE_URL, 'Content-Type': 'application/json', Accept: 'application/json' };
  return { headers, tags: { name }, timeout: '10s', responseType: 'text' };
}

/** Ok when the status is the one expected and `shape` finds what it needs in the body. */
function expect(response: Response, status: number): Result<null>;
function expect<T>(
  response: Response,
  status: number,
  shape: (answer: Record<string, unknown>) => T | undefined,
): Result<T>;
function expect<T>(
  response: Response,
  status: number,
  shape?: (answer: Record<string, unknown>) => T | undefined,
): Result<T | null> {
  const where = `${response.request.method} ${response.request.url}`;
  if (response.status !== status) return refused(response, where);
  if (shape === undefined) return { outcome: 'ok', value: null, detail: '' };
  const answer = record(response.body);
  const value = answer === undefined ? undefined : shape(answer);
  if (value === undefined) return { outcome: 'error', detail: `${where} answered ${status} with another shape` };
  return { outcome: 'ok', value, detail: '' };
}

/** Refusals for now say when to come back; any other answer is an error, and so is none (status 0). */
function refused(response: Response, where: string): Result<never> {
  const code = response.error === '' ? problemCode(response) : response.error;
  const detail = `${where} answered ${response.status} ${code}`;
  const outcome = outcomeOf(response.status);
  if (outcome !== 'shed') return { outcome, detail };
  return { outcome, detail, retryAfter: Number(response.headers['Retry-After']) || DEFAULT_RETRY_S };
}

function outcomeOf(status: number): Outcome {
  if (status === 503 || status === 429) return 'shed';
  return status === 401 || status === 403 ? 'denied' : 'error';
}

function problemCode(response: Response): string {
  const code = record(response.body)?.['code'];
  return typeof code === 'string' ? code : 'without a code';
}

function coursesHome(answer: Record<string, unknown>): { courses: Course[]; classes: string[] } | undefined {
  if (!Array.isArray(answer['courses']) || !Array.isArray(answer['groups'])) return undefined;
  const courses = records(answer['courses']).map((c) => ({ id: String(c['id']), schoolId: String(c['school_id']) }));
  const classes = records(answer['groups']).filter((group) => group['kind'] === 'class');
  return { courses, classes: classes.map((group) => String(group['id'])) };
}

function audiences(list: unknown, classes: string[]): Audience[] | undefined {
  if (!Array.isArray(list)) return undefined;
  return records(list).map((audience) => ({
    kind: audience['kind'] === 'role' ? 'role' : 'group',
    schoolId: String(audience['school_id']),
    name: String(audience['name']),
    id: String(audience['id']),
    role: String(audience['role']),
    parts: Array.isArray(audience['parts']) ? audience['parts'].map(String) : [],
    isClass: classes.includes(String(audience['id'])),
  }));
}

function records(list: unknown): Record<string, unknown>[] {
  return Array.isArray(list) ? list.filter(isRecord) : [];
}

function record(body: string | null): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body ?? '');
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isText(value: unknown, key: string): value is Record<string, unknown> {
  return isRecord(value) && typeof value[key] === 'string';
}
