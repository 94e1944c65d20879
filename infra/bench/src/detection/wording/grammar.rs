//! Settles how a written phrase becomes a sentence: one of `{this|that}` each time, and names, days and rooms for `<slots>`.

use rand::Rng;
use rand::seq::IndexedRandom;

use crate::detection::dice::Dice;

const SURNAMES: &[&str] = &[
    "Martin",
    "Bernard",
    "Dubois",
    "Robert",
    "Richard",
    "Petit",
    "Durand",
    "Leroy",
    "Moreau",
    "Simon",
    "Laurent",
    "Lefebvre",
    "Michel",
    "Garcia",
    "David",
    "Bertrand",
    "Roux",
    "Vincent",
    "Fournier",
    "Morel",
    "Girard",
    "André",
    "Mercier",
    "Dupont",
    "Lambert",
    "Bonnet",
    "François",
    "Martinez",
    "Legrand",
    "Garnier",
    "Faure",
    "Rousseau",
    "Blanc",
    "Guérin",
    "Muller",
    "Henry",
    "Roussel",
    "Nicolas",
    "Perrin",
    "Morin",
    "Mathieu",
    "Clément",
    "Gauthier",
    "Dumont",
    "Lopez",
    "Fontaine",
    "Chevalier",
    "Robin",
    "Masson",
    "Benali",
    "Traoré",
    "Nguyen",
    "Da Silva",
    "Haddad",
];
const GIVEN_NAMES: &[&str] = &[
    "Léo", "Emma", "Gabriel", "Jade", "Raphaël", "Louise", "Arthur", "Alice", "Louis", "Chloé", "Jules",
    "Lina", "Adam", "Léa", "Maël", "Rose", "Lucas", "Anna", "Hugo", "Mila", "Noah", "Inès", "Liam", "Ambre",
    "Gabin", "Julia", "Sacha", "Mia", "Paul", "Juliette", "Nathan", "Lou", "Aaron", "Zoé", "Mohamed", "Nour",
    "Ethan", "Manon", "Tom", "Camille", "Yanis", "Sarah", "Théo", "Éléna", "Victor", "Agathe", "Martin",
    "Romane", "Mathis", "Jeanne",
];
const CLASSES: &[&str] =
    &["6e A", "6e C", "5e B", "5e D", "4e A", "4e C", "3e B", "3e E", "2nde 4", "1re 2", "Tle 5", "2nde 7"];
const DAYS: &[&str] = &["lundi", "mardi", "mercredi", "jeudi", "vendredi", "la semaine prochaine", "demain"];
const SUBJECTS: &[&str] = &[
    "mathématiques",
    "français",
    "histoire",
    "géographie",
    "anglais",
    "espagnol",
    "allemand",
    "physique",
    "SVT",
    "technologie",
    "musique",
    "arts plastiques",
    "EPS",
    "latin",
    "philosophie",
    "SES",
];
const SCHOOLS: &[&str] = &[
    "collège des Tilleuls",
    "lycée Marie-Curie",
    "collège Jean-Moulin",
    "lycée du Parc",
    "collège Colette",
    "lycée Jean-Zay",
    "collège des Remparts",
    "lycée Louise-Michel",
    "collège Victor-Schœlcher",
    "lycée de l'Estuaire",
];

/// One sentence out of a phrase.
pub fn expand(phrase: &str, dice: &mut Dice) -> String {
    let mut text = String::with_capacity(2 * phrase.len());
    let mut rest = phrase;
    while let Some(at) = rest.find(['{', '<']) {
        let (before, from) = rest.split_at(at);
        text.push_str(before);
        let close = if from.starts_with('{') { '}' } else { '>' };
        let Some((inner, after)) = from.get(1..).and_then(|inner| inner.split_once(close)) else { break };
        if close == '}' {
            let choices: Vec<&str> = inner.split('|').collect();
            text.push_str(choices.choose(dice).copied().unwrap_or_default());
        } else {
            text.push_str(&slot(inner, dice));
        }
        rest = after;
    }
    text + rest
}

fn slot(name: &str, dice: &mut Dice) -> String {
    let words = match name {
        "nom" => SURNAMES,
        "prénom" => GIVEN_NAMES,
        "classe" => CLASSES,
        "jour" => DAYS,
        "matière" => SUBJECTS,
        "école" => SCHOOLS,
        "heure" => return format!("{} h {:02}", dice.random_range(8..17), 5 * dice.random_range(0..12)),
        "salle" => return format!("{}", dice.random_range(1..320)),
        "nombre" => return format!("{}", dice.random_range(2..30)),
        unknown => return format!("<{unknown}>"),
    };
    words.choose(dice).copied().unwrap_or_default().to_owned()
}
