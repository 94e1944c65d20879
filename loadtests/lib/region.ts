// Settles who belongs to which school, and which campaign a seed means in this region: computed once for all virtual users.
import { SharedArray } from 'k6/data';
import { whoComes } from './crowd.ts';
import { DEVICES } from './settings.ts';
import { type Campaign, campaign, FAMILIES, type Family, familyOfSeed, SCHOOLS } from './thieves.ts';
import type { Person, Role } from './types.ts';
import { everybody } from './users.ts';

/** A school has a part in campaigns when it has so many people of each role that is hijacked. */
const ENOUGH: readonly [Role, number][] = [
  ['pupil', 20],
  ['guardian', 20],
  ['teacher', 6],
  ['head', 1],
];

interface KnownDevice {
  login: string;
  device: string;
}

/** So many honest people come beside a campaign, one after the other; their accounts are not hijacked, so that they stay honest. */
export const HONEST = 700;

/** Campaigns of these seeds and families. Called in a SharedArray: it looks through all accounts. */
export function campaigns(wanted: readonly { seed: number; family: Family }[]): Campaign[] {
  const honest = new Set(Array.from({ length: HONEST }, (_, nth) => whoComes(nth, 0).person.login));
  const bySchool = new Map<string, Person[]>();
  for (const [role] of ENOUGH) {
    for (const person of everybody(role).filter((one) => !honest.has(one.login))) {
      for (const uai of person.schoolUais) {
        const key = `${role} ${uai}`;
        const list = bySchool.get(key);
        if (list === undefined) bySchool.set(key, [person]);
        else list.push(person);
      }
    }
  }
  const people = (role: Role, uai: string): readonly Person[] => bySchool.get(`${role} ${uai}`) ?? [];
  const uais = [...new Set(everybody('head').flatMap((head) => head.schoolUais))].sort();
  const large = uais.filter((uai) => ENOUGH.every(([role, least]) => people(role, uai).length >= least));
  if (large.length < SCHOOLS) throw new Error(`only ${large.length} schools are large enough, and a campaign needs ${SCHOOLS}`);
  return wanted.map(({ seed, family }) => campaign(seed, family, large, people));
}

/** The family of this name, or the seed's own. */
export function familyOf(seed: number, name: string | undefined): Family {
  if (name === undefined) return familyOfSeed(seed);
  const found = [...FAMILIES, 'single_message' as const].find((family) => family === name);
  if (found === undefined) throw new Error(`FAMILY must be one of ${FAMILIES.join(', ')}, single_message, not "${name}"`);
  return found;
}

/** Puts people on the device on which they have signed in before; those who have none come on a new one. To be called while k6 starts. */
export function ownDevices(): (person: Person) => Person {
  const file = DEVICES;
  const list = file === undefined ? [] : new SharedArray('known devices', () => JSON.parse(open(file)) as KnownDevice[]);
  const known = new Map([...list].map(({ login, device }) => [login, device]));
  return (person) => {
    const device = known.get(person.login);
    const fresh: Person = { ...person };
    delete fresh.device;
    return device === undefined ? fresh : { ...fresh, device };
  };
}
