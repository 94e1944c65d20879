// Settles who is hijacked in a campaign and how it goes about it: thirty accounts in 25 schools, as in March 2024. What no source gives is assumed.
import type { Style } from './campaign.ts';
import { dice, type Dice } from './dice.ts';
import type { Person, Role } from './types.ts';

export type Family = 'template' | 'personalised' | 'paraphrase' | 'slow_drip' | 'reply_hijack' | 'staff_account' | 'single_message';

/** The families that are judged, in the order of seeds; one message to one head is shown and not judged. */
export const FAMILIES: readonly Family[] = ['template', 'personalised', 'paraphrase', 'slow_drip', 'reply_hijack', 'staff_account'];

/** Every seed has its family. */
export function familyOfSeed(seed: number): Family {
  return FAMILIES[seed % FAMILIES.length] ?? 'template';
}

export const ACCOUNTS = 30;
export const SCHOOLS = 25;
/** Of 100 accounts that are no personnel's, so many are used in a session stolen from the victim's own device. */
const KNOWN_DEVICES_OF_100 = 15;
/** All thieves begin within so many seconds: faster than people can type, which is the worse for the target. */
const ALL_BEGIN_WITHIN_S = 10;

/** An account and what is done with it. */
export interface Thief {
  role: Role;
  person: Person;
  /** Whether it is used where its owner has used it before. */
  isOnKnownDevice: boolean;
  startS: number;
  /** Between two of its messages. */
  gapS: number;
}

export interface Campaign {
  family: Family;
  style: Style;
  thieves: readonly Thief[];
}

/** People of a role by their school's UAI. */
export type BySchool = (role: Role, uai: string) => readonly Person[];

/** The campaign of a seed. */
export function campaign(seed: number, family: Family, uais: readonly string[], people: BySchool): Campaign {
  const chance = dice(seed);
  const style = styleOf(family, chance);
  const schools = shuffled(uais, chance).slice(0, family === 'single_message' ? 1 : SCHOOLS);
  const count = family === 'single_message' ? 1 : ACCOUNTS;
  const taken = new Set<string>();
  const thieves = Array.from({ length: count }, (_, nth) => {
    const uai = schools[nth % schools.length] ?? '';
    const role = roleOf(family, chance);
    const person = chance.pick(people(role, uai).filter((one) => !taken.has(one.login)));
    taken.add(person.login);
    const isPersonnel = role === 'teacher' || role === 'head';
    return {
      role,
      person,
      isOnKnownDevice: isPersonnel ? chance.share() < 0.5 : chance.between(1, 100) <= KNOWN_DEVICES_OF_100,
      startS: chance.share() * ALL_BEGIN_WITHIN_S,
      gapS: family === 'slow_drip' ? 8 : 1 + chance.share() * 2,
    };
  });
  return { family, style, thieves };
}

/** How many people a message is for at most, by who writes it in which family. */
export function mostRecipients(family: Family, chance: Dice): number {
  if (family === 'single_message') return 1;
  if (family === 'slow_drip') return chance.between(1, 3);
  if (family === 'reply_hijack') return chance.between(1, 4);
  return chance.between(3, 10);
}

function styleOf(family: Family, chance: Dice): Style {
  if (family === 'template' || family === 'personalised' || family === 'paraphrase') return family;
  return chance.pick(['template', 'personalised', 'paraphrase']);
}

function roleOf(family: Family, chance: Dice): Role {
  if (family === 'single_message') return 'guardian';
  const throwOf10 = chance.between(0, 9);
  if (family === 'staff_account') return throwOf10 === 0 ? 'head' : 'teacher';
  if (throwOf10 === 0) return 'teacher';
  return throwOf10 <= 3 ? 'guardian' : 'pupil';
}

function shuffled<T>(list: readonly T[], chance: Dice): T[] {
  const keyed = list.map((one) => ({ one, key: chance.share() }));
  return keyed.sort((a, b) => a.key - b.key).map(({ one }) => one);
}
