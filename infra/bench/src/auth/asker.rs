//! Settles how benchmarks sign in: as many at once as asked, over connections that are kept, with tickets where they have to wait.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use reqwest::header::{COOKIE, ORIGIN, RETRY_AFTER, SET_COOKIE};
use reqwest::{Client, Response};
use serde_json::{Value, json};

use super::{Ours, PASSWORD, Setup};

/// Carries a place in the waiting room.
pub const TICKET: &str = "waiting-ticket";
/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Asks one auth.
pub struct Asker {
    http: Client,
    base: String,
    internal: String,
    origin: String,
}

/// How a sign-in ended.
pub enum Answered {
    /// With a session, by its refresh handle.
    In(String),
    /// With a place in the waiting room.
    Wait { ticket: String, again: Duration },
    /// With nothing, for now: an engine or the service has too much to do.
    Refused { again: Duration },
}

impl Asker {
    /// Of `ours`.
    pub fn new(setup: &Setup, ours: &Ours) -> Result<Self> {
        shared::testing::install_provider();
        let http = Client::builder().timeout(PATIENCE).no_proxy().build()?;
        let origin = setup.config.http.origins.first().context("an origin")?.clone();
        let (base, internal) =
            (format!("http://{}", ours.address), format!("http://{}", ours.internal_address));
        Ok(Self { http, base, internal, origin })
    }

    /// One attempt; any answer but those two is an error.
    pub async fn sign_in(&self, pupil: u32, ticket: Option<&str>) -> Result<Answered> {
        let request = self.http.post(format!("{}/auth/v1/sessions", self.base)).header(ORIGIN, &self.origin);
        let request = request.json(&json!({ "login": format!("pupil.{pupil}"), "password": PASSWORD }));
        let request = match ticket {
            Some(ticket) => request.header(TICKET, ticket),
            None => request,
        };
        let response = request.send().await?;
        let header = |name: &str| response.headers().get(name)?.to_str().ok().map(str::to_owned);
        match response.status().as_u16() {
            201 => Ok(Answered::In(handle_in(&response)?)),
            503 => {
                let again = header(RETRY_AFTER.as_str()).context("when to come back")?.parse()?;
                let again = Duration::from_secs(again);
                Ok(match header(TICKET) {
                    Some(ticket) => Answered::Wait { ticket, again },
                    None => Answered::Refused { again },
                })
            }
            status => bail!("a sign-in is answered {status}: {}", response.text().await?),
        }
    }

    /// Exchanges a handle for the next one.
    pub async fn refresh(&self, handle: &str) -> Result<String> {
        let request = self.http.post(format!("{}/auth/v1/sessions/refresh", self.base));
        let request = request.header(ORIGIN, &self.origin).header(COOKIE, format!("ent_rt={handle}"));
        let response = request.json(&json!({})).send().await?;
        if response.status() != 200 {
            bail!("a refresh is answered {}: {}", response.status(), response.text().await?);
        }
        handle_in(&response)
    }

    /// What auth says of itself.
    pub async fn status(&self) -> Result<Value> {
        Ok(self.http.get(format!("{}/statusz", self.internal)).send().await?.json().await?)
    }
}

fn handle_in(response: &Response) -> Result<String> {
    let mut cookies = response.headers().get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
    let handle = cookies.find_map(|cookie| cookie.strip_prefix("ent_rt=")?.split(';').next());
    Ok(handle.context("a refresh handle")?.to_owned())
}
