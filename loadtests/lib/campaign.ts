// Settles what the thieves of a campaign write: an exercise that nobody could take for a threat, in the shapes that campaigns have.
import { dice, type Dice } from './dice.ts';

/** How the copies of a campaign differ from each other. */
export type Style = 'template' | 'personalised' | 'paraphrase';

/** Each text ends with it, so that witnesses know a copy when they see one; so short that it makes no two texts similar. */
export function mark(seed: number): string {
  const letters = dice(seed + 77_000);
  return `réf. ${Array.from({ length: 6 }, () => String.fromCharCode(97 + letters.between(0, 25))).join('')}`;
}

const OPENINGS = ['Bonjour', 'Salut', 'Coucou', 'Bonsoir', 'Hello', 'Bien le bonjour'];
const CLOSINGS = ['Merci de faire suivre.', 'Transmettez à tous.', 'Dites-le autour de vous.', 'À bientôt.', 'Faites passer le mot.'];

/** Each line says one thing in several ways; a campaign takes a way of each, a paraphrase another one for every copy. */
const SENTENCES: readonly (readonly string[])[] = [
  [
    'Une boîte en carton bleue a été posée sous le grand escalier du bâtiment principal',
    'Sous l’escalier central quelqu’un a rangé un grand carton de couleur bleue',
    'Vous trouverez un paquet bleu tout en bas des marches du hall',
    'Le carton bleu que tout le monde cherche est au pied de l’escalier',
    'On a laissé près des marches un emballage bleu assez volumineux',
  ],
  [
    'elle sera ouverte demain à dix heures précises devant toutes les classes réunies',
    'nous allons l’ouvrir ensemble demain vers dix heures dans la cour',
    'son ouverture est prévue pour la récréation de demain matin',
    'demain, pendant la pause de dix heures, on regardera ce qu’il contient',
    'tout le monde pourra voir dedans demain au milieu de la matinée',
  ],
  [
    'il ne faut surtout pas venir sans avoir lu ce message jusqu’au bout',
    'lisez bien ces lignes avant de partir de chez vous',
    'ceux qui n’ont pas lu ceci ne comprendront rien demain',
    'prenez une minute pour lire cette annonce en entier',
    'gardez cette information en tête en arrivant au portail',
  ],
  [
    'aucun professeur ne sait encore qui a préparé cette surprise',
    'les adultes de l’établissement ne sont pas au courant',
    'personne dans l’équipe n’a été prévenu pour l’instant',
    'même la vie scolaire ignore d’où cela vient',
    'l’administration n’a reçu aucune explication à ce sujet',
  ],
];

/** The words that all copies of a campaign have in common, or their lack. */
export interface Script {
  style: Style;
  sentences: readonly string[];
  closing: string;
  mark: string;
}

export function script(style: Style, seed: number, chance: Dice): Script {
  return { style, sentences: SENTENCES.map((ways) => chance.pick(ways)), closing: chance.pick(CLOSINGS), mark: mark(seed) };
}

/** One copy. `name` is what a personalised one calls the reader. */
export function copy(of: Script, name: string, chance: Dice): string {
  switch (of.style) {
    case 'template':
      return text('Bonjour', of.sentences, of);
    case 'personalised':
      return text(`${chance.pick(OPENINGS)} ${name}`, of.sentences, { ...of, closing: chance.pick(CLOSINGS) });
    case 'paraphrase':
      return text(chance.pick(OPENINGS), SENTENCES.map((ways) => chance.pick(ways)), { ...of, closing: chance.pick(CLOSINGS) });
  }
}

function text(opening: string, sentences: readonly string[], of: Script): string {
  return `${opening}, ${sentences.join(', ')}. ${of.closing} (${of.mark})`;
}
