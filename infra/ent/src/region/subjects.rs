//! Settles what is taught: the subjects of each level, and which discipline's teachers teach them.

use super::shape::SchoolKind;

/// What a teacher is qualified in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Discipline {
    Letters,
    Maths,
    HistoryGeography,
    English,
    LifeSciences,
    Physics,
    Sport,
    Technology,
    Arts,
    Music,
    Spanish,
    German,
    Italian,
    Economics,
    Philosophy,
}

/// A subject, as pupils and their families read it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject {
    pub(super) name: &'static str,
    pub(super) discipline: Discipline,
}

const fn subject(name: &'static str, discipline: Discipline) -> Subject {
    Subject { name, discipline }
}

const FRENCH: Subject = subject("Français", Discipline::Letters);
const MATHS: Subject = subject("Mathématiques", Discipline::Maths);
const HISTORY: Subject = subject("Histoire-Géographie", Discipline::HistoryGeography);
const CIVICS: Subject = subject("Enseignement moral et civique", Discipline::HistoryGeography);
const ENGLISH: Subject = subject("Anglais LV1", Discipline::English);
const BIOLOGY: Subject = subject("SVT", Discipline::LifeSciences);
const PHYSICS: Subject = subject("Physique-Chimie", Discipline::Physics);
const SPORT: Subject = subject("EPS", Discipline::Sport);
const SCIENCE: Subject = subject("Enseignement scientifique", Discipline::Physics);
const TUTORING: Subject = subject("Accompagnement personnalisé", Discipline::Letters);

const COLLEGE: &[Subject] = &[
    MATHS,
    FRENCH,
    HISTORY,
    ENGLISH,
    BIOLOGY,
    PHYSICS,
    SPORT,
    subject("Technologie", Discipline::Technology),
    subject("Arts plastiques", Discipline::Arts),
    subject("Éducation musicale", Discipline::Music),
];

const SECONDE: &[Subject] = &[
    MATHS,
    FRENCH,
    HISTORY,
    CIVICS,
    ENGLISH,
    BIOLOGY,
    PHYSICS,
    SPORT,
    subject("SES", Discipline::Economics),
    subject("Sciences numériques et technologie", Discipline::Maths),
];

const PREMIERE: &[Subject] = &[
    FRENCH,
    HISTORY,
    CIVICS,
    ENGLISH,
    SPORT,
    SCIENCE,
    subject("Mathématiques du tronc commun", Discipline::Maths),
    TUTORING,
];

const TERMINALE: &[Subject] = &[
    subject("Philosophie", Discipline::Philosophy),
    HISTORY,
    CIVICS,
    ENGLISH,
    SPORT,
    SCIENCE,
    subject("Préparation du grand oral", Discipline::Letters),
    subject("Parcours d'orientation", Discipline::Economics),
];

/// The subjects that a whole class of `level` is taught.
pub(super) fn of_class(kind: SchoolKind, level: &str) -> &'static [Subject] {
    match (kind, level) {
        (SchoolKind::College, _) => COLLEGE,
        (SchoolKind::Lycee, "2nde") => SECONDE,
        (SchoolKind::Lycee, "1re") => PREMIERE,
        (SchoolKind::Lycee, _) => TERMINALE,
    }
}

/// How pupils of a level come to a subject that is taught in groups across classes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Offer {
    /// Every pupil takes `picks` of the subjects, drawn by weight.
    Choice { picks: usize, among: &'static [(Subject, u32)] },
    /// So many per cent of the pupils take the subject.
    Option { subject: Subject, percent: u32 },
    /// Every pupil takes the subject, in groups of at most so many.
    Small { subject: Subject, size: usize },
}

const LANGUAGES: Offer = Offer::Choice {
    picks: 1,
    among: &[
        (subject("LV2 espagnol", Discipline::Spanish), 60),
        (subject("LV2 allemand", Discipline::German), 24),
        (subject("LV2 italien", Discipline::Italian), 16),
    ],
};

const LATIN: Offer = Offer::Option { subject: subject("Latin", Discipline::Letters), percent: 20 };

const SPECIALITIES: &[(Subject, u32)] = &[
    (subject("Spécialité mathématiques", Discipline::Maths), 26),
    (subject("Spécialité physique-chimie", Discipline::Physics), 20),
    (subject("Spécialité SVT", Discipline::LifeSciences), 17),
    (subject("Spécialité SES", Discipline::Economics), 18),
    (subject("Spécialité HGGSP", Discipline::HistoryGeography), 15),
    (subject("Spécialité humanités, littérature et philosophie", Discipline::Philosophy), 10),
    (subject("Spécialité anglais", Discipline::English), 14),
    (subject("Spécialité NSI", Discipline::Maths), 9),
];

const MATHS_IN_SMALL_GROUPS: Offer = Offer::Small { subject: MATHS, size: 20 };
const FRENCH_IN_SMALL_GROUPS: Offer = Offer::Small { subject: FRENCH, size: 20 };

const CHOIR: Offer = Offer::Option { subject: subject("Chorale", Discipline::Music), percent: 22 };
const SPORT_SECTION: Offer =
    Offer::Option { subject: subject("Section sportive", Discipline::Sport), percent: 24 };
const STAGE: Offer = Offer::Option { subject: subject("Arts du spectacle", Discipline::Arts), percent: 22 };

const SIXIEME_GROUPS: &[Offer] = &[CHOIR, MATHS_IN_SMALL_GROUPS, FRENCH_IN_SMALL_GROUPS];
const CINQUIEME_GROUPS: &[Offer] = &[LANGUAGES, LATIN, CHOIR, MATHS_IN_SMALL_GROUPS, FRENCH_IN_SMALL_GROUPS];
const COLLEGE_GROUPS: &[Offer] = &[LANGUAGES, LATIN, CHOIR, SPORT_SECTION];
const SECONDE_GROUPS: &[Offer] = &[
    LANGUAGES,
    LATIN,
    STAGE,
    SPORT_SECTION,
    Offer::Option { subject: subject("Management et gestion", Discipline::Economics), percent: 25 },
];
const PREMIERE_GROUPS: &[Offer] =
    &[LANGUAGES, Offer::Choice { picks: 3, among: SPECIALITIES }, STAGE, SPORT_SECTION];
const TERMINALE_GROUPS: &[Offer] = &[
    LANGUAGES,
    Offer::Choice { picks: 2, among: SPECIALITIES },
    SPORT_SECTION,
    Offer::Option { subject: subject("Mathématiques complémentaires", Discipline::Maths), percent: 25 },
];

/// What `level` is taught in groups across its classes.
pub(super) fn in_groups(level: &str) -> &'static [Offer] {
    match level {
        "6e" => SIXIEME_GROUPS,
        "5e" => CINQUIEME_GROUPS,
        "2nde" => SECONDE_GROUPS,
        "1re" => PREMIERE_GROUPS,
        "Tle" => TERMINALE_GROUPS,
        _ => COLLEGE_GROUPS,
    }
}
