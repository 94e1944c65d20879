// Settles who signs in: the seeded accounts by role, each at most once in a run where a second factor allows no more.
import { SharedArray } from 'k6/data';
import { ACCOUNTS } from './settings.ts';
import type { Person, Role } from './types.ts';

const ACCOUNT_ROLES: Record<Role, string> = {
  pupil: 'Student',
  guardian: 'Guardian',
  teacher: 'Teacher',
  head: 'Principal',
};

const COLUMNS = ['login', 'password', 'role', 'school_uais', 'totp_secret', 'person_name', 'class_name'];

/** One copy in memory for all virtual users; the file is read once per role. */
const PEOPLE: Record<Role, readonly Person[]> = {
  pupil: people('pupil'),
  guardian: people('guardian'),
  teacher: people('teacher'),
  head: people('head'),
};

function people(role: Role): readonly Person[] {
  return new SharedArray(`accounts of ${role}s`, () => parse(open(ACCOUNTS), ACCOUNT_ROLES[role]));
}

/** Throws unless there are accounts for `journeys` different people. */
export function requirePeople(role: Role, journeys: number): void {
  const available = PEOPLE[role].length;
  if (available < journeys) {
    throw new Error(`${ACCOUNTS} has ${available} accounts of ${role}s, and the run needs ${journeys}`);
  }
}

/** Person number `nth` of the run, starting from `offset`, so that runs in a row take different people. */
export function person(role: Role, offset: number, nth: number): Person {
  const list = PEOPLE[role];
  const found = list[(offset + nth) % list.length];
  if (found === undefined) throw new Error(`no account of a ${role}`);
  return found;
}

/** All people of a role. */
export function everybody(role: Role): readonly Person[] {
  return PEOPLE[role];
}

function parse(csv: string, role: string): Person[] {
  const [header, ...lines] = csv.trim().split('\n');
  if (header?.trim() !== COLUMNS.join(',')) {
    throw new Error(`${ACCOUNTS} must have the columns ${COLUMNS.join(',')}`);
  }
  // A region has 100,000 lines, and most are of other roles: to look at all their fields takes k6 most of a minute.
  const likely = lines.filter((line) => line.includes(role));
  return likely.map(fields).flatMap(([login = '', password = '', itsRole = '', uais = '', totpSecret = '']) =>
    itsRole === role ? [{ login, password, role: itsRole, schoolUais: uais.split(';'), totpSecret }] : [],
  );
}

/** The fields of a CSV line, quoted or not; no field of this file holds a line break. */
function fields(line: string): string[] {
  if (!line.includes('"')) return line.trim().split(',');
  const found = line.trim().matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g);
  return Array.from(found, (match) => unquoted(match[1] ?? ''));
}

function unquoted(field: string): string {
  return field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field;
}
