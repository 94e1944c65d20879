//! Settles the words of harmless bursts: texts that many people send within minutes of each other. All invented.

use super::Bank;

/// The academy's text for a day of snow: heads copy it.
pub const SNOW: &[&str] = &[
    "Mesdames, Messieurs, en raison des chutes de neige, les transports scolaires sont suspendus ce <jour>. L'établissement reste ouvert et accueille les élèves qui peuvent s'y rendre. Les cours du matin commencent à <heure>. La direction du <école>",
    "Chers parents, chers élèves, la préfecture a interdit la circulation des cars à cause du verglas. Les cours sont maintenus mais les absences ne seront pas sanctionnées. Merci de ne pas prendre de risque sur la route. <école>, la direction",
];

/// A union's text that teachers copy for their classes.
pub const STRIKE: &[&str] = &[
    "Madame, Monsieur, je vous informe que je participerai au mouvement de grève national de <jour>. Je n'assurerai donc pas mes cours de <matière> ce jour-là. Le travail à faire est indiqué dans le cahier de textes. {M.|Mme} <nom>",
    "Chers parents, en accord avec l'intersyndicale, je serai en grève <jour> pour défendre les moyens de l'école publique. Mes heures de <matière> ne seront pas assurées ni remplacées. Merci de votre soutien. <prénom> <nom>",
    "Bonjour, <jour>, une majorité de professeurs sera en grève. Mon cours de <matière> en <classe> n'aura pas lieu. Les élèves de demi-pension sont accueillis jusqu'à <heure>. Cordialement, {M.|Mme} <nom>",
    "À l'attention des familles de <classe> : le préavis de grève déposé pour <jour> me concerne, il n'y aura pas classe avec moi. Vérifiez l'emploi du temps en ligne la veille au soir. {M.|Mme} <nom>, <matière>",
];

/// A federation's text that guardians copy to the head.
pub const PETITION: &[&str] = &[
    "Madame la Principale, Monsieur le Proviseur, comme de nombreux parents je m'inquiète de la fermeture d'une classe à la rentrée. Nous demandons un rendez-vous avec l'inspection avant <jour>. Parent de <prénom> <nom>, <classe>",
    "Madame, Monsieur, parent d'élève de <classe>, je demande le remplacement du professeur de <matière> absent depuis <nombre> semaines. Nos enfants ne doivent pas perdre leur année. Famille <nom>",
];

/// What a class hands in.
pub const HOMEWORK: &[&str] = &[
    "Bonjour Madame, voici ma réponse au devoir de <matière> : la Révolution commence en 1789 avec les états généraux, le serment du Jeu de paume et la prise de la Bastille, puis l'Assemblée abolit les privilèges dans la nuit du 4 août. <prénom> <nom>",
    "Bonjour Monsieur, exercice rendu : on applique le théorème de Pythagore dans le triangle rectangle, le carré de l'hypoténuse vaut la somme des carrés des deux autres côtés, donc la longueur cherchée mesure <nombre> centimètres. <prénom>",
    "Bonsoir, mon résumé du chapitre : la photosynthèse transforme l'énergie de la lumière en matière organique, la plante absorbe le dioxyde de carbone et rejette du dioxygène, cela se passe dans les chloroplastes. <prénom> <nom> <classe>",
    "Voici mon paragraphe : dans cette fable, l'auteur critique les courtisans en se servant des animaux, le lion représente le roi et le renard celui qui flatte, la morale vient à la fin et reste valable de nos jours. <prénom> de <classe>",
];

/// A head's or the school life's notice of a drill.
pub const DRILL: &[&str] = &[
    "Un exercice d'évacuation incendie aura lieu <jour> à <heure>. Au signal, les élèves rejoignent en silence le point de rassemblement avec leur professeur. Aucun sac n'est emporté. La direction du <école>",
    "Exercice de mise à l'abri (PPMS) prévu <jour> dans la matinée : il s'agit d'un entraînement, il n'y a aucun danger. Les portables restent éteints, chacun suit les consignes de son enseignant. <école>",
];

/// Results of an exam, from the direction to families.
pub const RESULTS: &[&str] = &[
    "Les résultats du brevet sont affichés et consultables en ligne depuis <heure>. Toutes nos félicitations aux lauréats du <école> ! Les relevés de notes seront à retirer au secrétariat à partir de <jour>.",
    "Baccalauréat : les résultats sont publiés. Les élèves admis au second groupe viennent choisir leurs matières avant <heure>, les professeurs les attendent en salle <salle>. Bravo à tous, la direction du <école>",
];

/// What pupils write of them.
pub const JOY: Bank = Bank {
    openings: &["Bonjour Madame", "Bonjour Monsieur", "Coucou tout le monde", "Madame,", "Les amis,", ""],
    matters: &[
        "le jury m'a repêchée de justesse, je pleure de joie depuis une heure devant la liste",
        "dix-huit à l'oral alors que j'avais tout mélangé, comme quoi votre conseil de respirer a marché",
        "ma grand-mère a appelé toute la famille, on fête ça <jour> avec un gâteau énorme",
        "Parcoursup plus le {bac|brevet} la même semaine, je peux enfin dormir",
        "raté de <nombre> points... je me réinscris en <matière> et je reviendrai plus fort",
        "on se retrouve tous devant le lycée à <heure> avec de la musique et des bouteilles d'eau",
        "félicitations du jury madame, je n'aurais pas cru ça en septembre quand vous m'avez changée de place",
        "je l'ai eu !!! mention {bien|assez bien|très bien}",
        "j'ai mon {brevet|bac}, merci pour tout cette année",
        "on l'a tous eu dans la {classe|bande}, incroyable",
        "{<nombre>|17|12} en <matière>, je n'y crois pas, merci pour votre aide et vos cours du soir",
        "admise avec mention, mes parents vous remercient aussi, à l'année prochaine peut-être",
        "je passe au rattrapage en <matière>, vous auriez un conseil pour l'oral de <jour> ?",
    ],
    second: 0.2,
    details: &["trop contente", "Bonnes vacances !"],
    endings: &["<prénom>", "<prénom> <nom>, <classe>", "", "bisous"],
};

/// What a teacher adds when a notice of the direction is passed on.
pub const PASSED_ON: &[&str] = &[
    "Pour information, message de la direction : ",
    "Bonjour, je vous transmets ceci. ",
    "À lire attentivement avec vos enfants : ",
    "",
    "Rappel pour la <classe> : ",
];
