// Settles who the crowd is made of: which role comes as number so and so, on what device, and who mistypes.
import { SharedArray } from 'k6/data';
import { DEVICES } from './settings.ts';
import type { Person, Role } from './types.ts';
import { person } from './users.ts';

/** Of 100 people who sign in on such a morning; README.md derives them. */
const OF_100: Record<Role, number> = { pupil: 58, guardian: 29, teacher: 12, head: 1 };
/** Of 100 people, so many come on a device that somebody of their role has used before (assumed). */
const KNOWN_DEVICES_OF_100 = 80;
/** Of 100 people, so many mistype their password once. */
const CLUMSY_OF_100 = 5;

interface KnownDevice {
  role: string;
  device: string;
}

const ROLES_OF_100: readonly Role[] = spread(OF_100);
const DEVICES_BY_ROLE: Record<Role, readonly string[]> = {
  pupil: devices('pupil'),
  guardian: devices('guardian'),
  teacher: devices('teacher'),
  head: devices('head'),
};

/** Whoever comes as number `nth`, counted from `offset` among the accounts of their role. */
export function whoComes(nth: number, offset: number): { role: Role; person: Person; isClumsy: boolean } {
  const role = ROLES_OF_100[nth % 100] ?? 'pupil';
  const before = ROLES_OF_100.slice(0, nth % 100).filter((other) => other === role).length;
  const ofRole = Math.floor(nth / 100) * OF_100[role] + before;
  const who = person(role, offset, ofRole);
  const known = DEVICES_BY_ROLE[role];
  // Strides that share no factor with 100, so that role, device and typing are not tied to each other; and of each hundred as many
  // mistype, so that a short calibration has its share of them.
  const hasDevice = (nth * 37) % 100 < KNOWN_DEVICES_OF_100;
  const device = hasDevice ? known[(offset + ofRole) % Math.max(1, known.length)] : undefined;
  const isClumsy = (nth * 61 + Math.floor(nth / 100) * 7) % 100 < CLUMSY_OF_100;
  return { role, person: device === undefined ? who : { ...who, device }, isClumsy };
}

/** Every role as often as it is due, evenly spread. */
function spread(counts: Record<Role, number>): Role[] {
  const roles = Object.keys(counts) as Role[];
  const given: Record<Role, number> = { pupil: 0, guardian: 0, teacher: 0, head: 0 };
  return Array.from({ length: 100 }, (_, index) => {
    const lag = (role: Role): number => (counts[role] * (index + 1)) / 100 - given[role];
    const due = roles.reduce((most, role) => (lag(role) > lag(most) ? role : most));
    given[due] += 1;
    return due;
  });
}

function devices(role: Role): readonly string[] {
  const file = DEVICES;
  if (file === undefined) return [];
  return new SharedArray(`devices of ${role}s`, () => {
    const known = JSON.parse(open(file)) as KnownDevice[];
    return known.filter((one) => one.role === role).map((one) => one.device);
  });
}
