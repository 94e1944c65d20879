//! Settles what demo homework says: ordinary tasks of each discipline, `{p}` for a page and `{e}` for an exercise.

use super::subjects::Discipline;

/// A title and its instructions.
pub(super) type Task = (&'static str, &'static str);

/// The tasks that a teacher of `discipline` gives.
pub(super) fn of(discipline: Discipline) -> &'static [Task] {
    match discipline {
        Discipline::Letters => LETTERS,
        Discipline::Maths => MATHS,
        Discipline::HistoryGeography => HISTORY,
        Discipline::English | Discipline::Spanish | Discipline::German | Discipline::Italian => LANGUAGES,
        Discipline::LifeSciences => BIOLOGY,
        Discipline::Physics => PHYSICS,
        Discipline::Sport => SPORT,
        Discipline::Technology => TECHNOLOGY,
        Discipline::Arts => ARTS,
        Discipline::Music => MUSIC,
        Discipline::Economics => ECONOMICS,
        Discipline::Philosophy => PHILOSOPHY,
    }
}

const LETTERS: &[Task] = &[
    (
        "Lecture du chapitre {e}",
        "Lire le chapitre {e} et relever trois phrases qui décrivent le personnage principal.",
    ),
    (
        "Rédaction : un souvenir",
        "Écrire une page à la première personne, avec un dialogue et deux comparaisons.",
    ),
    ("Grammaire : les propositions", "Exercices {e} et suivant page {p}, dans le cahier, au propre."),
    ("Vocabulaire", "Apprendre la liste de vocabulaire page {p} ; préparer une phrase pour chaque mot."),
    ("Récitation", "Apprendre les trois premières strophes du poème page {p}."),
    ("Fiche de lecture", "Terminer la fiche de lecture : résumé en dix lignes et avis personnel argumenté."),
    (
        "Préparer le débat",
        "Chercher deux arguments pour et deux arguments contre, avec un exemple à chaque fois.",
    ),
];

const MATHS: &[Task] = &[
    ("Exercices page {p}", "Faire les exercices {e} et suivant page {p}. Détailler les calculs."),
    ("Devoir maison", "Devoir à rendre sur feuille double : le problème {e} page {p}, schéma compris."),
    ("Réviser le contrôle", "Revoir les exercices corrigés du chapitre et refaire l'exercice {e} page {p}."),
    (
        "Leçon à apprendre",
        "Apprendre les définitions et les propriétés du cours ; savoir les réciter avec un exemple.",
    ),
    ("Calcul mental", "S'entraîner dix minutes sur la fiche de calcul mental numéro {e}."),
    (
        "Géométrie",
        "Tracer la figure de l'exercice {e} page {p} avec les instruments, puis rédiger la démonstration.",
    ),
    (
        "Activité d'introduction",
        "Lire l'activité page {p} et répondre aux deux premières questions au brouillon.",
    ),
];

const HISTORY: &[Task] = &[
    ("Étude de documents", "Répondre aux questions {e} et suivante sur les documents page {p}."),
    ("Croquis à terminer", "Terminer le croquis commencé en classe : légende organisée et titre."),
    ("Repères à connaître", "Apprendre les dates et les lieux de la fiche de révision, page {p}."),
    ("Paragraphe argumenté", "Rédiger un paragraphe de quinze lignes à l'aide des documents page {p}."),
    ("Exposé", "Préparer avec le groupe le plan de l'exposé et deux images libres de droits."),
    ("Lecture du cours", "Relire la leçon et préparer trois questions pour la prochaine séance."),
];

const LANGUAGES: &[Task] = &[
    ("Vocabulaire de la séquence", "Apprendre le vocabulaire page {p}, savoir l'écrire et le prononcer."),
    ("Verbes irréguliers", "Apprendre dix verbes de la liste, à partir du numéro {e}."),
    ("Compréhension écrite", "Lire le texte page {p} et répondre aux questions par des phrases complètes."),
    ("Enregistrement oral", "S'enregistrer une minute : se présenter et parler de ses loisirs."),
    ("Exercices de grammaire", "Exercices {e} et suivant page {p}, à faire directement dans le cahier."),
    ("Préparer le dialogue", "Préparer à deux le dialogue de la page {p} pour le jouer devant la classe."),
];

const BIOLOGY: &[Task] = &[
    ("Compte rendu d'expérience", "Terminer le compte rendu : hypothèse, protocole, résultats, conclusion."),
    ("Schéma à compléter", "Compléter et légender le schéma page {p}, au crayon."),
    ("Leçon à apprendre", "Apprendre le bilan du chapitre et le vocabulaire souligné."),
    (
        "Observation à la maison",
        "Observer une plante pendant trois jours et noter les changements dans un tableau.",
    ),
    ("Exercice {e} page {p}", "Lire les documents et rédiger une réponse construite."),
];

const PHYSICS: &[Task] = &[
    ("Exercices page {p}", "Exercices {e} et suivant page {p} ; ne pas oublier les unités."),
    ("Préparer le TP", "Lire le protocole page {p} et recopier le tableau de mesures."),
    ("Tracer le graphique", "Tracer sur papier millimétré le graphique des mesures faites en classe."),
    ("Réviser le contrôle", "Revoir les formules du chapitre et l'exercice corrigé {e} page {p}."),
    ("Compte rendu de TP", "Rédiger le compte rendu avec le schéma du montage et la conclusion."),
];

const SPORT: &[Task] = &[
    ("Tenue pour la prochaine séance", "Apporter une tenue de sport, des chaussures propres et une gourde."),
    ("Carnet d'entraînement", "Noter dans le carnet les temps de la dernière séance et l'objectif suivant."),
    ("Préparer l'échauffement", "Préparer par groupe de quatre un échauffement de huit minutes."),
    ("Règles du jeu", "Revoir les règles et les gestes d'arbitrage de l'activité."),
];

const TECHNOLOGY: &[Task] = &[
    ("Cahier des charges", "Compléter le tableau des fonctions de l'objet étudié."),
    (
        "Programme à terminer",
        "Terminer le programme du robot : il doit suivre la ligne et s'arrêter devant l'obstacle.",
    ),
    ("Croquis coté", "Faire un croquis coté de la pièce numéro {e}."),
    ("Recherche", "Chercher comment l'objet a évolué depuis cinquante ans : trois dates, trois images."),
];

const ARTS: &[Task] = &[
    ("Carnet de croquis", "Réaliser deux croquis d'un objet du quotidien, sous deux angles différents."),
    ("Apporter du matériel", "Apporter des magazines à découper, de la colle et un pinceau large."),
    (
        "Recherche sur une œuvre",
        "Choisir une œuvre et la présenter en dix lignes : auteur, date, technique, ressenti.",
    ),
    ("Projet collectif", "Terminer la maquette de sa partie du projet collectif."),
];

const MUSIC: &[Task] = &[
    ("Apprendre le chant", "Savoir par cœur le refrain et le premier couplet."),
    ("Écoute guidée", "Réécouter l'extrait et remplir la fiche d'écoute numéro {e}."),
    ("Rythme", "S'entraîner à frapper le rythme de la page {p} avec une pulsation régulière."),
];

const ECONOMICS: &[Task] = &[
    ("Étude de données", "Lire le tableau page {p}, calculer deux taux de variation et les commenter."),
    ("Notions à connaître", "Apprendre les définitions du chapitre et trouver un exemple pour chacune."),
    ("Revue de presse", "Choisir un article en lien avec le chapitre et le résumer en huit lignes."),
    ("Exercice {e} page {p}", "Rédiger la réponse en trois parties : affirmer, expliquer, illustrer."),
];

const PHILOSOPHY: &[Task] = &[
    ("Explication de texte", "Dégager la thèse et le plan du texte page {p}."),
    (
        "Introduction de dissertation",
        "Rédiger l'introduction du sujet {e} : analyse des termes, problème, plan.",
    ),
    ("Lecture", "Lire l'extrait page {p} et noter deux questions à poser en cours."),
    ("Repères", "Apprendre les distinctions vues en cours et les illustrer."),
];
