//! Settles which passwords anybody would try first: words with numbers, years and marks, walks over the keyboard, repetitions, dates.

/// What people begin with: words for "password", walks over French and English keyboards, school, sport, names often given.
const WORDS: &[&str] = &[
    "motdepasse",
    "password",
    "passe",
    "secret",
    "admin",
    "administrateur",
    "bonjour",
    "bienvenue",
    "welcome",
    "salut",
    "azerty",
    "azertyuiop",
    "qwerty",
    "qwertyuiop",
    "azertyuiopqsdfghjklm",
    "qsdfghjklm",
    "wxcvbn",
    "azeqsd",
    "poiuytreza",
    "ecole",
    "college",
    "lycee",
    "eleve",
    "professeur",
    "prof",
    "classe",
    "cantine",
    "pronote",
    "rentree",
    "vacances",
    "paris",
    "france",
    "marseille",
    "lyon",
    "football",
    "foot",
    "psg",
    "olympique",
    "mbappe",
    "zidane",
    "pokemon",
    "minecraft",
    "fortnite",
    "roblox",
    "naruto",
    "disney",
    "starwars",
    "superman",
    "batman",
    "dragon",
    "licorne",
    "soleil",
    "doudou",
    "loulou",
    "chocolat",
    "princesse",
    "chouchou",
    "amour",
    "jetaime",
    "iloveyou",
    "coucou",
    "maman",
    "papa",
    "famille",
    "bebe",
    "chat",
    "chien",
    "cheval",
    "nounours",
    "monkey",
    "tigre",
    "lapin",
    "camille",
    "nicolas",
    "thomas",
    "julien",
    "marie",
    "sophie",
    "emma",
    "louise",
    "gabriel",
    "leo",
    "raphael",
    "lucas",
    "hugo",
    "jules",
    "adam",
    "ines",
    "jade",
    "alice",
    "chloe",
    "manon",
    "lea",
    "sarah",
    "martin",
    "bernard",
    "dubois",
    "janvier",
    "fevrier",
    "mars",
    "avril",
    "juin",
    "juillet",
    "aout",
    "septembre",
    "octobre",
    "novembre",
    "decembre",
    "printemps",
    "automne",
    "hiver",
    "noel",
    "liberte",
    "internet",
    "ordinateur",
    "changeme",
    "letmein",
    "master",
];
/// What they end with.
const MARKS: &[&str] = &["", "!", ".", "*", "?", "@"];
const NUMBERS: &[&str] = &[
    "",
    "0",
    "1",
    "01",
    "12",
    "123",
    "1234",
    "12345",
    "123456",
    "1234567",
    "12345678",
    "123456789",
    "1234567890",
    "0000",
    "00",
    "000",
    "111",
    "1111",
    "321",
    "4321",
    "54321",
    "654321",
    "007",
    "42",
    "69",
    "75",
    "93",
    "13",
    "33",
    "59",
    "987654321",
    "1212",
];
const ROWS: &[&str] = &[
    "01234567890123456789",
    "09876543210987654321",
    "azertyuiopqsdfghjklmwxcvbn",
    "qwertyuiopasdfghjklzxcvbnm",
    "abcdefghijklmnopqrstuvwxyz",
    "1q2w3e4r5t6y7u8i9o0p",
    "1a2z3e4r5t6y7u8i9o0p",
];
const SHORTEST: usize = 8;
const LONGEST_REPETITION: usize = 24;

/// All of them, in lower case and beginning with a capital.
pub fn all() -> impl Iterator<Item = String> {
    words().chain(walks()).chain(repetitions()).chain(dates())
}

fn words() -> impl Iterator<Item = String> {
    let years = || (1990..=2030).map(|year| year.to_string());
    let numbers = move || NUMBERS.iter().map(|number| (*number).to_owned()).chain(years());
    WORDS.iter().flat_map(move |word| {
        let forms = [(*word).to_owned(), capital(word), format!("{word}{word}")];
        forms.into_iter().flat_map(move |form| {
            numbers().flat_map(move |number| {
                let form = form.clone();
                MARKS.iter().map(move |mark| format!("{form}{number}{mark}"))
            })
        })
    })
}

fn walks() -> impl Iterator<Item = String> {
    ROWS.iter().flat_map(|row| {
        let starts = 0..row.len().saturating_sub(SHORTEST);
        starts.flat_map(move |start| {
            let ends = start + SHORTEST..=row.len();
            ends.filter_map(move |end| row.get(start..end)).flat_map(|walk| [walk.to_owned(), capital(walk)])
        })
    })
}

fn repetitions() -> impl Iterator<Item = String> {
    let letters = ('a'..='z').chain('0'..='9').map(String::from);
    let groups = ["ab", "az", "12", "abc", "123", "aze", "qwe", "1234", "azer"].map(str::to_owned);
    letters.chain(groups).flat_map(|unit| {
        let times = SHORTEST / unit.len()..=LONGEST_REPETITION / unit.len();
        times.map(move |times| unit.repeat(times))
    })
}

/// Birthdays as digits are all of eight: too short on their own, and refused with what is put beside them.
fn dates() -> impl Iterator<Item = String> {
    (1960..=2020).flat_map(|year| {
        (1..=12).flat_map(move |month| {
            (1..=31).flat_map(move |day| {
                [format!("{day:02}/{month:02}/{year}"), format!("{day:02}-{month:02}-{year}")]
            })
        })
    })
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
