//! Settles the words of campaigns: harmless placeholders with the shape of what hijacked accounts sent (a call, a place, an hour, a
//! demand, a claim to be serious), by how far the copies of one campaign differ.

use rand::Rng;
use rand::seq::{IteratorRandom, SliceRandom};

use super::grammar::expand;
use crate::detection::dice::{Dice, Side};

/// How far copies differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// The same words, other numbers; half of the campaigns disguise each copy.
    Template,
    /// The same words around the names of the school, of a class and of people.
    Personalised,
    /// Every sentence worded anew in each copy, in another order.
    Paraphrase,
}

/// The sentences of one campaign.
pub struct Script {
    style: Style,
    sentences: Vec<&'static str>,
    side: Side,
    is_disguised: bool,
}

impl Script {
    /// Chooses what all copies share.
    pub fn new(style: Style, side: Side, dice: &mut Dice) -> Self {
        let sentences = PARTS.iter().filter_map(|part| side.half(part).choose(dice)).collect();
        Self { style, sentences, side, is_disguised: style == Style::Template && dice.random_bool(0.5) }
    }

    /// One copy.
    pub fn copy(&self, dice: &mut Dice) -> String {
        let text = match self.style {
            Style::Template => self.filled(dice),
            Style::Personalised => {
                let (before, after) =
                    (side_of(self.side, ADDRESSES, dice), side_of(self.side, SIGNATURES, dice));
                format!("{} {} {}", expand(before, dice), self.filled(dice), expand(after, dice))
            }
            Style::Paraphrase => {
                let mut sentences: Vec<&str> =
                    PARTS.iter().filter_map(|part| self.side.half(part).choose(dice)).collect();
                if dice.random_bool(0.5) {
                    sentences.shuffle(dice);
                }
                sentences.iter().map(|sentence| expand(sentence, dice)).collect::<Vec<String>>().join(" ")
            }
        };
        if self.is_disguised { disguise(&text, dice) } else { text }
    }

    /// What all copies share, with this copy's numbers and names: a template's choices are made once, its slots anew.
    fn filled(&self, dice: &mut Dice) -> String {
        self.sentences.iter().map(|sentence| expand(sentence, dice)).collect::<Vec<String>>().join(" ")
    }
}

fn side_of(side: Side, phrases: &'static [&'static str], dice: &mut Dice) -> &'static str {
    side.half(phrases).choose(dice).unwrap_or_default()
}

/// Ways of writing the same that people read without noticing.
fn disguise(text: &str, dice: &mut Dice) -> String {
    match dice.random_range(0..5) {
        0 => text.replace(' ', " \u{200b}").replace('e', "e\u{200d}"),
        1 => text.replace('a', "а").replace('o', "о").replace('e', "е").replace('i', "і"),
        2 => text.chars().flat_map(|letter| [letter, ' ']).collect(),
        3 => text.to_uppercase(),
        _ => text.to_owned(),
    }
}

/// By the role that a sentence plays. Slots stand where copies of a template differ, and hold numbers only.
const PARTS: [&[&str]; 5] = [
    &[
        "Attention à tous, ceci n'est pas un jeu.",
        "Message urgent pour tout l'établissement.",
        "Lisez bien ce qui suit jusqu'au bout.",
        "Écoutez-moi, personne ne l'a dit avant moi.",
        "Avis aux élèves et aux professeurs.",
        "Vous allez tous recevoir cette annonce.",
        "Prévenez immédiatement vos voisins de classe.",
        "À l'ensemble de la communauté, dernière information.",
        "Il faut que tout le monde sache ceci aujourd'hui.",
        "Ne fermez pas cette page avant la fin.",
        "Que chacun prenne ces lignes au sérieux.",
        "Voici la nouvelle que la direction vous cache.",
    ],
    &[
        "Le grand perroquet violet est caché dans la salle <salle>.",
        "Un orchestre de grenouilles s'installe au gymnase numéro <nombre>.",
        "J'ai posé mille ballons jaunes derrière la porte <salle>.",
        "Une fanfare de pingouins attend au fond du couloir <nombre>.",
        "Douze lamas en costume occupent la cantine depuis <heure>.",
        "La statue de chocolat géante se trouve près de l'escalier <nombre>.",
        "Des confettis bleus remplissent les casiers du bâtiment <nombre>.",
        "Un troupeau d'escargots de course dort dans le local <salle>.",
        "La machine à bulles est branchée sous la scène, salle <salle>.",
        "Cent cerfs-volants sont accrochés au plafond du hall <nombre>.",
        "Le dragon en carton a été livré à la loge <nombre>.",
        "Une montagne de crêpes refroidit au laboratoire <salle>.",
    ],
    &[
        "Tout commencera à <heure> précises, pas une minute plus tard.",
        "À <heure> il sera trop tard pour s'inscrire.",
        "La fête éclatera au milieu de la matinée, vers <heure>.",
        "Comptez les minutes : le signal retentit à <heure>.",
        "Rien ne bougera avant <heure>, ensuite ce sera le carnaval.",
        "Quand l'horloge marquera <heure>, la musique partira.",
        "Il vous reste jusqu'à <heure> pour apporter un chapeau.",
        "Le spectacle débute à <heure>, avec ou sans vous.",
        "Soyez prêts dès <heure>, le rideau se lèvera d'un coup.",
        "Le coup d'envoi sera donné autour de <heure>.",
        "Vers <heure> les couleurs vont changer partout.",
        "L'heure choisie est <heure>, et elle ne changera plus.",
    ],
    &[
        "Sortez vos trompettes et ouvrez toutes les fenêtres.",
        "Videz les salles et formez une ronde dans la cour.",
        "Chacun doit apporter une banane et un parapluie.",
        "Faites passer le mot à vos familles sans attendre.",
        "Personne ne doit rester assis pendant la chanson.",
        "Éteignez les lumières et allumez les lampions.",
        "Rassemblez-vous près du portail avec un drapeau.",
        "Laissez vos sacs et prenez une paire de claquettes.",
        "Annulez les cours et préparez le goûter géant.",
        "Que les professeurs distribuent les maracas.",
        "Demandez à vos parents de venir déguisés en légumes.",
        "Descendez en file indienne et sifflez l'hymne.",
    ],
    &[
        "Je ne plaisante pas, vous verrez bien.",
        "Ceci est le seul et unique avertissement festif.",
        "Nous sommes nombreux et parfaitement organisés.",
        "Croyez-moi ou non, le gâteau est déjà au four.",
        "Aucune réponse ne sera lue, inutile d'écrire.",
        "D'autres écoles ont reçu la même invitation.",
        "Rien ni personne n'arrêtera la chorale.",
        "On se souviendra longtemps de cette journée.",
        "Signé : le comité secret des farfelus.",
        "Vous ne pourrez pas dire que vous ne saviez pas.",
        "C'est promis, juré, et c'est pour tout de suite.",
        "La suite au prochain épisode, tenez-vous prêts.",
    ],
];

const ADDRESSES: &[&str] = &[
    "{Bonjour|Salut|Cher} <prénom> <nom>, du <école>,",
    "Au <école>, pour <prénom> et toute la <classe> :",
    "{Madame|Monsieur} <nom>, <école>,",
    "<prénom> de <classe>, montre ceci à {M.|Mme} <nom> :",
];

const SIGNATURES: &[&str] = &[
    "<prénom> <nom>, <classe>",
    "À bientôt au <école>, <prénom>",
    "Bien à toi <prénom>, <nom>",
    "Un ancien du <école>, <prénom>",
];
