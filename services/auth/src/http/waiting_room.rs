//! Settles how people meet the waiting room: at the door of the sign-in, and when they ask how long it will be.

use std::future::{Ready, ready};

use actix_web::cookie::{Cookie, SameSite, time};
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest, HttpResponse, HttpResponseBuilder, ResponseError, get};
use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::attribution::Cause;
use shared::http::{Problem, ProblemBody};
use shared::resilience::admission::Standing;
use shared::session::Role;
use utoipa::ToSchema;

use super::waiting_room_page as page;
use crate::app::Auth;
use crate::domain::device::Device;
use crate::domain::waiting_room::{Inside, Ticket, Told, Turn, WaitingRoom};

/// Carries the ticket for browsers; programs may send the header instead.
const TICKET_COOKIE: &str = "ent_ticket";
/// Carries the ticket both ways.
const TICKET_HEADER: HeaderName = HeaderName::from_static("waiting-ticket");
/// Carries the device.
pub const DEVICE_COOKIE: &str = "ent_device";
/// The routes that see either.
const COOKIE_PATH: &str = "/auth/v1";
/// Polls are counted; so many of them share one line in the log.
pub const POLLS_PER_LINE: u32 = 1_000;

/// Somebody who may try to sign in now. Asked for before the body is parsed: whoever must wait costs nothing more.
pub struct Door {
    /// Their place inside.
    pub inside: Inside,
    /// Their device, if it is one of ours.
    pub device: Option<Device>,
}

impl FromRequest for Door {
    type Error = NotYet;
    type Future = Ready<Result<Self, NotYet>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let Some(auth) = request.app_data::<Data<Auth>>() else { return ready(Err(NotYet::Broken)) };
        let (room, device) = (auth.waiting_room(), device_of(request, auth));
        ready(match room.ask(ticket_of(request, room), device.as_ref()) {
            Turn::Enter(inside) => Ok(Self { inside, device }),
            Turn::Wait(told) => Err(NotYet::Wait(Place::new(&told, room))),
        })
    }
}

/// Why somebody may not try to sign in now.
#[derive(Debug)]
pub enum NotYet {
    /// Others come first.
    Wait(Place),
    /// A fault of ours.
    Broken,
}

impl std::fmt::Display for NotYet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Wait(place) => write!(f, "{} come first", place.ahead),
            Self::Broken => f.write_str("there is no waiting room"),
        }
    }
}

impl ResponseError for NotYet {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Wait(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Broken => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let Self::Wait(place) = self else { return Problem::internal().response() };
        let detail =
            "Many people are signing in. You have a place: come back with this ticket when it is your turn.";
        let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "waiting_room", detail)
            .because(Cause::Admission)
            .with("place", place);
        let mut response = problem.response();
        place.add_to(&mut response);
        response
    }
}

/// How somebody stands in the waiting room.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Place {
    /// `open`: nobody waits, sign in. `called`: it is your turn. `counting`: wait a moment. `waiting`, or `delayed`: later
    /// than was first said.
    #[schema(example = "waiting")]
    standing: &'static str,
    /// People before you in your lane.
    ahead: u64,
    /// Seconds until your turn at the latest.
    #[serde(skip_serializing_if = "Option::is_none")]
    turn_in_s: Option<u64>,
    /// Seconds after which to ask again.
    ask_again_in_s: u64,
    /// What to come back with, in the header `Waiting-Ticket` or the cookie `ent_ticket`. It replaces the one before.
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket: Option<String>,
    /// Roles to which sign-in is closed in every school; only where you asked how long it will be.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    closed: Vec<Closing>,
}

/// A role that may not sign in for now: whoever has no other role is refused, turn or not.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct Closing {
    /// The role.
    pub role: Role,
    /// When it may again.
    pub until: DateTime<Utc>,
}

impl Place {
    fn new(told: &Told, room: &WaitingRoom) -> Self {
        let appointment = &told.appointment;
        let standing = match appointment.standing {
            Standing::Called => "called",
            Standing::Counting => "counting",
            Standing::Waiting => "waiting",
            Standing::Delayed => "delayed",
        };
        Self {
            standing,
            ahead: appointment.ahead,
            turn_in_s: appointment.turn_at.map(|at| at.saturating_sub(told.now)),
            ask_again_in_s: appointment.ask_again_in_s,
            ticket: Some(room.seal(&told.ticket)),
            closed: vec![],
        }
    }

    fn open() -> Self {
        Self { standing: "open", ahead: 0, turn_in_s: None, ask_again_in_s: 0, ticket: None, closed: vec![] }
    }

    fn add_to(&self, response: &mut HttpResponse) {
        if self.ask_again_in_s > 0 {
            response.headers_mut().insert(header::RETRY_AFTER, self.ask_again_in_s.into());
        }
        if let Some(ticket) = &self.ticket {
            add_ticket(response, ticket);
        }
    }
}

/// How long will it be? Programs get JSON, browsers a page that comes back by itself.
#[utoipa::path(
    tag = "waiting room",
    params(("Waiting-Ticket" = Option<String>, Header, description = "The ticket, where there is no cookie `ent_ticket`")),
    responses(
        (status = 200, body = Place, description = "How you stand; with `Accept: text/html` a page (French or English)"),
        (status = 429, body = ProblemBody, content_type = "application/problem+json", description = "rate_limited")
    )
)]
#[get("/auth/v1/waiting-room")]
pub async fn ask(request: HttpRequest, auth: Data<Auth>) -> HttpResponse {
    let room = auth.waiting_room();
    let mut place = match ticket_of(&request, room) {
        Some(ticket) => Place::new(&room.standing(ticket), room),
        None if room.is_open() => Place::open(),
        None => {
            let ticket = room.give_ticket(device_of(&request, &auth).as_ref());
            Place::new(&room.standing(ticket), room)
        }
    };
    let closings = auth.switches().closings();
    place.closed = closings.into_iter().map(|(role, until)| Closing { role, until }).collect();
    let mut response = if page::is_wanted(&request) {
        page::render(
            &request,
            &page::Facts::of(place.standing, place.turn_in_s, place.ask_again_in_s, place.closed.clone()),
            auth.sign_in_page(),
        )
    } else {
        HttpResponse::Ok().json(&place)
    };
    place.add_to(&mut response);
    response
}

/// Gives the ticket for the next try after one that failed.
pub fn add_ticket(response: &mut HttpResponse, ticket: &str) {
    if let Ok(value) = ticket.parse() {
        response.headers_mut().insert(TICKET_HEADER, value);
    }
    // A ticket is a few dozen letters of base64: always a cookie.
    let _ = response.add_cookie(&cookie(TICKET_COOKIE, ticket.to_owned(), time::Duration::hours(2)));
}

/// The ticket is used up.
pub fn remove_ticket(response: &mut HttpResponse) {
    // No text at all is always a cookie.
    let _ = response.add_cookie(&cookie(TICKET_COOKIE, String::new(), time::Duration::ZERO));
}

/// The device remembers who has signed in on it.
pub fn add_device(response: &mut HttpResponseBuilder, sealed: String) {
    response.cookie(cookie(DEVICE_COOKIE, sealed, time::Duration::days(400)));
}

fn cookie(name: &'static str, value: String, max_age: time::Duration) -> Cookie<'static> {
    Cookie::build(name, value)
        .path(COOKIE_PATH)
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Lax)
        .max_age(max_age)
        .finish()
}

fn ticket_of(request: &HttpRequest, room: &WaitingRoom) -> Option<Ticket> {
    let header = request.headers().get(TICKET_HEADER).and_then(|value| value.to_str().ok());
    match header {
        Some(text) => room.open_ticket(text),
        None => room.open_ticket(request.cookie(TICKET_COOKIE)?.value()),
    }
}

/// The device that asks, if it is one of ours.
pub(super) fn device_of(request: &HttpRequest, auth: &Auth) -> Option<Device> {
    auth.open_device(request.cookie(DEVICE_COOKIE)?.value())
}
