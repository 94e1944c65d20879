//! Settles what demo messages say: ordinary school letters, with `{...}` for what the sender fills in.

/// A first message and the answers that fit it, in order.
pub(super) struct Letter {
    pub(super) subject: &'static str,
    pub(super) body: &'static str,
    pub(super) answers: &'static [&'static str],
}

const fn letter(subject: &'static str, body: &'static str, answers: &'static [&'static str]) -> Letter {
    Letter { subject, body, answers }
}

/// A teacher to the pupils of a class: `{class}`, `{subject}`, `{sender}`.
pub(super) const TO_PUPILS: &[Letter] = &[
    letter(
        "Contrôle ({subject})",
        "Bonjour,\n\nLe contrôle ({subject}) de la classe {class} aura lieu à la prochaine séance. Il portera sur les deux derniers chapitres.\n\nBon travail,\n{sender}",
        &[],
    ),
    letter(
        "Matériel à apporter",
        "Bonjour à tous,\n\nPour la prochaine séance ({subject}), merci d'apporter le manuel et une copie double.\n\n{sender}",
        &[],
    ),
    letter(
        "Correction en ligne",
        "Bonjour,\n\nLa correction des derniers exercices ({subject}) est disponible dans le cours. Relisez-la avant la prochaine séance.\n\n{sender}",
        &[],
    ),
    letter(
        "Exposés : ordre de passage",
        "Bonjour,\n\nL'ordre de passage des exposés est affiché dans la salle. Chaque groupe a dix minutes, questions comprises.\n\n{sender}",
        &[],
    ),
    letter(
        "Bravo pour votre travail",
        "Bonjour,\n\nLes derniers devoirs ({subject}) de la classe {class} étaient très soignés. Continuez ainsi !\n\n{sender}",
        &[],
    ),
    letter(
        "Changement de salle",
        "Bonjour,\n\nLa prochaine séance ({subject}) aura lieu au CDI, à l'heure habituelle.\n\n{sender}",
        &[],
    ),
    letter(
        "Aide aux devoirs",
        "Bonjour,\n\nJe serai disponible jeudi entre midi et deux pour celles et ceux qui veulent revoir le chapitre ({subject}).\n\n{sender}",
        &[],
    ),
    letter(
        "Travail à rendre",
        "Bonjour,\n\nPlusieurs élèves de {class} n'ont pas encore rendu le dernier travail ({subject}). Merci de le déposer avant vendredi.\n\n{sender}",
        &[],
    ),
];

/// A teacher to the pupils of a class and their guardians.
pub(super) const TO_FAMILIES: &[Letter] = &[
    letter(
        "Sortie scolaire de la {class}",
        "Bonjour,\n\nLa classe {class} visitera le musée de la ville dans deux semaines. L'autorisation est à rendre signée avant vendredi.\n\nCordialement,\n{sender}",
        &[],
    ),
    letter(
        "Réunion parents-professeurs",
        "Bonjour,\n\nLa réunion de la classe {class} aura lieu mardi à 18 heures. Les rendez-vous se prennent auprès de chaque enseignant.\n\nCordialement,\n{sender}",
        &[],
    ),
    letter(
        "Bilan de mi-trimestre",
        "Bonjour,\n\nLe bilan de mi-trimestre de {class} est prêt. Je reste à votre disposition pour en parler.\n\nCordialement,\n{sender}",
        &[],
    ),
    letter(
        "Absence de {sender}",
        "Bonjour,\n\nJe serai en formation lundi : le cours ({subject}) de la {class} n'aura pas lieu. Un travail est indiqué dans le cahier de textes.\n\nCordialement,\n{sender}",
        &[],
    ),
    letter(
        "Projet de classe",
        "Bonjour,\n\nLa classe {class} prépare une exposition en {subject}. Les familles sont les bienvenues à l'inauguration.\n\nCordialement,\n{sender}",
        &[],
    ),
];

/// A pupil to the own class, with answers of classmates.
pub(super) const BETWEEN_PUPILS: &[Letter] = &[
    letter(
        "Quelqu'un a le cours d'hier ?",
        "Salut la {class},\n\nJe n'étais pas là hier, quelqu'un peut m'envoyer une photo du cours ?\n\nMerci !\n{sender}",
        &[
            "Je te l'apporte demain matin.",
            "La dernière page est dans le manuel, au début du chapitre.",
            "Merci beaucoup !",
        ],
    ),
    letter(
        "Exposé : on se répartit le travail",
        "Salut,\n\nPour l'exposé, je peux faire l'introduction et la carte. Qui fait le reste ?\n\n{sender}",
        &[
            "Je prends la deuxième partie.",
            "Moi la conclusion et les images.",
            "Super, on se retrouve au CDI à midi.",
        ],
    ),
    letter(
        "Cadeau pour le départ de la surveillante",
        "Bonjour tout le monde,\n\nOn prépare une carte : passez la signer à la récré de 10 heures.\n\n{sender}",
        &["Bonne idée !", "Je peux faire le dessin de la couverture.", "J'ai signé."],
    ),
    letter(
        "Match inter-classes",
        "Salut,\n\nIl nous manque deux joueurs pour le tournoi de mercredi. Qui vient ?\n\n{sender}",
        &["Je viens !", "Moi aussi, à quelle heure ?", "À 13 h 30 au gymnase."],
    ),
    letter(
        "Question sur le devoir de maths",
        "Bonjour,\n\nQuelqu'un a compris la dernière question du devoir ?\n\n{sender}",
        &[
            "Il faut utiliser la propriété de la leçon 3.",
            "Ah oui, merci, j'ai trouvé.",
            "Attention aux unités à la fin.",
        ],
    ),
];

/// A guardian to a teacher of the child's class, with the teacher's answer: `{child}`.
pub(super) const FROM_GUARDIANS: &[Letter] = &[
    letter(
        "Absence de {child}",
        "Bonjour,\n\n{child} a été malade et reviendra en cours demain. Pouvez-vous nous dire quel travail est à rattraper ?\n\nCordialement,\n{sender}",
        &[
            "Bonjour, tout est dans le cahier de textes, et je peux reprendre le dernier chapitre avec {child} jeudi. Bon rétablissement.",
        ],
    ),
    letter(
        "Demande de rendez-vous",
        "Bonjour,\n\nNous souhaiterions vous rencontrer au sujet du travail de {child}. Quand seriez-vous disponible ?\n\nCordialement,\n{sender}",
        &["Bonjour, je vous propose lundi à 17 heures, ou mardi à midi. Cordialement."],
    ),
    letter(
        "Manuel oublié",
        "Bonjour,\n\n{child} a oublié son manuel en classe hier. L'avez-vous vu ?\n\nMerci,\n{sender}",
        &["Bonjour, oui, il est sur l'étagère de la salle. Bonne journée."],
    ),
    letter(
        "Merci",
        "Bonjour,\n\nMerci pour l'aide que vous avez apportée à {child} ce trimestre : les progrès se voient.\n\nCordialement,\n{sender}",
        &["Merci à vous : ces progrès sont mérités, bravo à {child}."],
    ),
    letter(
        "Question sur l'orientation",
        "Bonjour,\n\n{child} hésite entre plusieurs options pour l'an prochain. Que conseillez-vous ?\n\nCordialement,\n{sender}",
        &["Bonjour, parlons-en à la réunion de mardi ; en attendant, le guide des options est en ligne."],
    ),
];

/// A guardian to the head of the school.
pub(super) const TO_HEAD: &[Letter] = &[
    letter(
        "Inscription à la cantine",
        "Bonjour,\n\nNous voudrions changer les jours de cantine de {child} à partir du mois prochain.\n\nCordialement,\n{sender}",
        &["Bonjour, c'est noté ; le secrétariat vous enverra le formulaire. Cordialement."],
    ),
    letter(
        "Certificat de scolarité",
        "Bonjour,\n\nPouvez-vous nous envoyer un certificat de scolarité pour {child} ?\n\nMerci d'avance,\n{sender}",
        &["Bonjour, il est à retirer au secrétariat. Cordialement."],
    ),
];

/// The head to a role of the school: `{school}`.
pub(super) const FROM_HEAD: &[Letter] = &[
    letter(
        "Conseil pédagogique",
        "Bonjour,\n\nLe conseil pédagogique se réunira lundi à 17 h 30 en salle polyvalente. L'ordre du jour est affiché en salle des personnels.\n\n{sender}",
        &[],
    ),
    letter(
        "Exercice d'évacuation",
        "Bonjour,\n\nUn exercice d'évacuation aura lieu cette semaine. Merci de relire les consignes affichées dans chaque salle.\n\n{sender}",
        &[],
    ),
    letter(
        "Conseils de classe",
        "Bonjour,\n\nLe calendrier des conseils de classe est arrêté. Les appréciations sont attendues trois jours avant chaque conseil.\n\n{sender}",
        &[],
    ),
    letter(
        "Maintenance du réseau",
        "Bonjour,\n\nLe réseau de l'établissement sera en maintenance mercredi après-midi. Pensez à enregistrer votre travail.\n\n{sender}",
        &[],
    ),
    letter(
        "Merci à toutes et à tous",
        "Bonjour,\n\nLa journée portes ouvertes a réuni beaucoup de familles. Merci pour votre engagement !\n\n{sender}",
        &[],
    ),
];

/// The head to all guardians of the school.
pub(super) const TO_ALL_GUARDIANS: &[Letter] = &[
    letter(
        "Informations de rentrée",
        "Madame, Monsieur,\n\nVous trouverez dans l'ENT les emplois du temps, les menus de la cantine et les dates des réunions.\n\nCordialement,\n{sender}\n{school}",
        &[],
    ),
    letter(
        "Portes ouvertes",
        "Madame, Monsieur,\n\nNos portes ouvertes ont lieu samedi de 9 heures à midi. Vous êtes les bienvenus.\n\nCordialement,\n{sender}\n{school}",
        &[],
    ),
];

/// School life to the guardians or pupils of a class.
pub(super) const FROM_SCHOOL_LIFE: &[Letter] = &[
    letter(
        "Carnets de correspondance",
        "Bonjour,\n\nMerci de vérifier que le carnet de chaque élève de {class} est à jour et signé.\n\nLa vie scolaire, {sender}",
        &[],
    ),
    letter(
        "Photos de classe",
        "Bonjour,\n\nLa photo de la classe {class} aura lieu jeudi matin à 10 heures dans la cour.\n\nLa vie scolaire, {sender}",
        &[],
    ),
    letter(
        "Objets trouvés",
        "Bonjour,\n\nDe nombreux vêtements attendent leur propriétaire au bureau de la vie scolaire.\n\nLa vie scolaire, {sender}",
        &[],
    ),
];
