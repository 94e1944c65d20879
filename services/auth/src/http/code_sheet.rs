//! Settles what a sheet of codes looks like: one page in French for A4 paper, a card per person to cut out, nothing from elsewhere.

use actix_web::HttpResponse;
use actix_web::http::header;

use super::paris_time;
use super::waiting_room_page::{CONTENT_POLICY, escaped};
use crate::domain::campaign::Printed;
use crate::domain::codes::Purpose;

const PAGE: &str = include_str!("code_sheet.html");

/// The sheet. No browser and no cache keeps it.
pub fn render(printed: &Printed, address: &str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, CONTENT_POLICY))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(page(printed, address))
}

fn page(printed: &Printed, address: &str) -> String {
    let what = match printed.purpose {
        Purpose::Activation => "Activer mon compte",
        Purpose::Reset => "Choisir un nouveau mot de passe",
        Purpose::Authenticator => "Associer une application de codes à usage unique",
    };
    let until = paris_time::in_french(printed.expires_at);
    let cards: String = printed
        .cards
        .iter()
        .map(|(card, code)| {
            let name = format!("{} {}", card.given_name, card.family_name);
            format!(
                "<li>\n<h2>{}</h2>\n<p>{what}</p>\n<dl>\n<dt>Adresse</dt><dd>{}</dd>\n<dt>Identifiant</dt><dd>{}</dd>\n\
                 <dt>Code</dt><dd class=\"code\">{}</dd>\n<dt>Valable jusqu’au</dt><dd>{until}</dd>\n</dl>\n</li>\n",
                escaped(&name),
                escaped(address),
                escaped(&card.login),
                escaped(code),
            )
        })
        .collect::<Vec<_>>()
        .concat();
    // The cards last: no name can hold a place that is filled after it.
    let page =
        PAGE.replace("{heading}", &escaped(&printed.heading)).replace("{school}", &escaped(&printed.school));
    page.replace("{count}", &printed.cards.len().to_string()).replace("{cards}", &cards)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::campaign::Card;
    use uuid::Uuid;

    #[test]
    fn a_card_has_all_that_its_person_needs_and_a_name_is_a_name() {
        let card = Card {
            person_id: Uuid::nil(),
            given_name: "Zoé <b>".to_owned(),
            family_name: "D'{cards}".to_owned(),
            login: "zoe.d".to_owned(),
        };
        let printed = Printed {
            heading: "3e A".to_owned(),
            school: "Collège Test".to_owned(),
            purpose: Purpose::Reset,
            expires_at: "2026-09-15T06:00:00Z".parse().unwrap(),
            cards: vec![(card, "7KQ2-M0XA-9TRC".to_owned())],
        };
        let page = page(&printed, "https://ent.example");
        for expected in [
            "lang=\"fr\"",
            "<h1>3e A",
            "Collège Test",
            "<h2>Zoé &lt;b> D'{cards}</h2>",
            "https://ent.example",
            "<dd>zoe.d</dd>",
            "7KQ2-M0XA-9TRC",
            "15 septembre à 8 h 00",
            "Choisir un nouveau mot de passe",
        ] {
            assert!(page.contains(expected), "{expected}: {page}");
        }
    }

    #[test]
    fn the_sheet_is_whole_without_a_script_or_anything_from_elsewhere() {
        for foreign in ["<script", "http:", "https:", "url(", "<img", "@import"] {
            assert!(!PAGE.contains(foreign), "{foreign}");
        }
        assert!(PAGE.contains("size: A4"));
    }
}
