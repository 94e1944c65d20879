//! Settles what a waiting person sees: one small page in French or English, without a script or anything from elsewhere.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};

use super::waiting_room::Closing;
use super::{paris_time, role_words};

/// The page needs its own styles and nothing else.
pub const CONTENT_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const PAGE: &str = include_str!("waiting_room_page.html");

/// What the page says.
pub struct Facts {
    standing: &'static str,
    minutes: Option<u64>,
    again_in_s: u64,
    closed: Vec<Closing>,
}

impl Facts {
    /// Of a place.
    pub fn of(standing: &'static str, turn_in_s: Option<u64>, again_in_s: u64, closed: Vec<Closing>) -> Self {
        Self { standing, minutes: turn_in_s.map(|seconds| seconds.div_ceil(60)), again_in_s, closed }
    }

    fn may_enter(&self) -> bool {
        matches!(self.standing, "open" | "called") && self.again_in_s == 0
    }
}

/// Whether the browser wants a page.
pub fn is_wanted(request: &HttpRequest) -> bool {
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// The page, which comes back by itself for as long as its reader has to wait.
pub fn render(request: &HttpRequest, facts: &Facts, sign_in_page: &str) -> HttpResponse {
    let words = if prefers_english(request) { english(facts) } else { french(facts) };
    let link = format!("<p><a href=\"{}\">{}</a></p>", escaped(sign_in_page), words.enter);
    let page = PAGE
        .replace("{lang}", words.lang)
        .replace("{title}", words.title)
        .replace("{closed}", &paragraphs(&words.closed))
        .replace("{message}", &words.message)
        .replace("{hint}", if facts.may_enter() { "" } else { words.hint })
        .replace("{enter}", if facts.may_enter() { &link } else { "" });
    let mut response = HttpResponse::Ok();
    response
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, CONTENT_POLICY))
        .insert_header((header::VARY, "Accept, Accept-Language, Cookie"));
    if !facts.may_enter() {
        response.insert_header(("refresh", facts.again_in_s.max(1).to_string()));
    }
    response.body(page)
}

struct Words {
    lang: &'static str,
    title: &'static str,
    message: String,
    hint: &'static str,
    closed: Vec<String>,
    enter: &'static str,
}

fn french(facts: &Facts) -> Words {
    let message = match (facts.standing, facts.minutes) {
        ("open" | "called", _) if facts.may_enter() => {
            "C’est à vous : vous pouvez vous connecter.".to_owned()
        }
        ("open" | "called", _) => "C’est bientôt à vous : encore quelques secondes.".to_owned(),
        ("delayed", Some(minutes)) => format!(
            "L’attente est plus longue que prévu, et nous en sommes désolés. Ce sera à vous dans {} au plus tard.",
            minutes_in_french(minutes)
        ),
        (_, Some(minutes)) => format!("Ce sera à vous dans {} au plus tard.", minutes_in_french(minutes)),
        (_, None) => "Nous comptons les personnes arrivées en même temps que vous.".to_owned(),
    };
    Words {
        lang: "fr",
        title: "Beaucoup de personnes se connectent en ce moment",
        message,
        hint: "Votre place est gardée, même si vous rechargez cette page ou la fermez un instant. Elle se met à jour toute seule : revenir plus souvent ne fait pas avancer plus vite.",
        closed: facts.closed.iter().map(closed_in_french).collect(),
        enter: "Se connecter",
    }
}

fn english(facts: &Facts) -> Words {
    let message = match (facts.standing, facts.minutes) {
        ("open" | "called", _) if facts.may_enter() => "It is your turn: you can sign in.".to_owned(),
        ("open" | "called", _) => "It is almost your turn: a few more seconds.".to_owned(),
        ("delayed", Some(minutes)) => format!(
            "It takes longer than we said, and we are sorry. It will be your turn within {}.",
            minutes_in_english(minutes)
        ),
        (_, Some(minutes)) => format!("It will be your turn within {}.", minutes_in_english(minutes)),
        (_, None) => "We are counting who arrived at the same time as you.".to_owned(),
    };
    Words {
        lang: "en",
        title: "Many people are signing in right now",
        message,
        hint: "Your place is kept, even if you reload this page or close it for a moment. It updates by itself: coming back more often does not make it faster.",
        closed: facts.closed.iter().map(closed_in_english).collect(),
        enter: "Sign in",
    }
}

fn closed_in_french(closing: &Closing) -> String {
    let (role, until) = (role_words::to_in_french(closing.role), paris_time::in_french(closing.until));
    format!("La connexion est fermée {role} jusqu’au {until} (heure de Paris).")
}

fn closed_in_english(closing: &Closing) -> String {
    let (role, until) = (role_words::to_in_english(closing.role), paris_time::in_english(closing.until));
    format!("Sign-in is closed {role} until {until} (Paris time).")
}

fn paragraphs(lines: &[String]) -> String {
    lines.iter().flat_map(|line| ["<p class=\"closed\">", line, "</p>\n"]).collect()
}

fn minutes_in_french(minutes: u64) -> String {
    if minutes <= 1 { "une minute".to_owned() } else { format!("{minutes} minutes") }
}

fn minutes_in_english(minutes: u64) -> String {
    if minutes <= 1 { "a minute".to_owned() } else { format!("{minutes} minutes") }
}

/// French unless English is named before it.
fn prefers_english(request: &HttpRequest) -> bool {
    let accepted = request.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let mut known = accepted.unwrap_or_default().split(',').map(str::trim);
    known.find(|tag| tag.starts_with("fr") || tag.starts_with("en")).is_some_and(|tag| tag.starts_with("en"))
}

/// Text as it stands in a page.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::body::to_bytes;
    use actix_web::test::TestRequest;
    use shared::session::Role;

    async fn page(language: &str, facts: Facts) -> (Option<String>, String) {
        let request = TestRequest::default().insert_header(("accept-language", language)).to_http_request();
        let response = render(&request, &facts, "/start?a=1&b=\"2\"");
        let refresh = response.headers().get("refresh").map(|value| value.to_str().unwrap().to_owned());
        let body = to_bytes(response.into_body()).await.unwrap();
        (refresh, String::from_utf8(body.to_vec()).unwrap())
    }

    #[actix_web::test]
    async fn whoever_waits_reads_for_how_long_in_their_language_and_the_page_comes_back() {
        let (refresh, french) = page("de, fr;q=0.9, en", Facts::of("waiting", Some(200), 12, vec![])).await;
        assert_eq!(refresh.as_deref(), Some("12"));
        assert!(french.contains("lang=\"fr\"") && french.contains("dans 4 minutes au plus tard"), "{french}");
        let (_, english) = page("en-GB", Facts::of("delayed", Some(30), 2, vec![])).await;
        assert!(english.contains("longer than we said") && english.contains("within a minute"), "{english}");
    }

    #[actix_web::test]
    async fn whoever_is_called_gets_the_way_in_and_stays_on_the_page() {
        let (refresh, page) = page("fr", Facts::of("called", None, 0, vec![])).await;
        assert_eq!(refresh, None);
        assert!(page.contains("href=\"/start?a=1&amp;b=&quot;2&quot;\""), "{page}");
    }

    #[actix_web::test]
    async fn whoever_stays_out_reads_until_when_in_their_language() {
        let until = "2021-04-06T15:30:00Z".parse().unwrap();
        let facts = || Facts::of("open", None, 0, vec![Closing { role: Role::Guardian, until }]);
        let (_, french) = page("fr", facts()).await;
        let expected = "La connexion est fermée aux familles jusqu’au 6 avril à 17 h 30 (heure de Paris).";
        assert!(french.contains(expected), "{french}");
        let (_, english) = page("en", facts()).await;
        assert!(english.contains("closed to families until 6 April, 17:30 (Paris time)"), "{english}");
    }

    #[test]
    fn the_page_is_whole_without_a_script_or_anything_from_elsewhere() {
        for foreign in ["<script", "http:", "https:", "url(", "<img", "@import"] {
            assert!(!PAGE.contains(foreign), "{foreign}");
        }
    }
}
