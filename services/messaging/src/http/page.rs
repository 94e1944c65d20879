//! Settles how a page of messages is asked for over HTTP, whatever the list.

use garde::Validate;
use serde::Deserialize;
use shared::http::{Problem, valid};
use utoipa::IntoParams;
use uuid::Uuid;

use crate::domain::page::Wanted;

/// Which page.
#[derive(Debug, Deserialize, IntoParams, Validate)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// `next` of the page before.
    #[garde(skip)]
    after: Option<Uuid>,
    /// Messages on a page.
    #[serde(default = "default_limit")]
    #[garde(range(min = 1, max = 100))]
    #[param(minimum = 1, maximum = 100, default = 25)]
    limit: u32,
}

/// Messages on a page where nobody says how many.
pub fn default_limit() -> u32 {
    25
}

impl PageQuery {
    /// What is asked for, within its bounds.
    pub fn wanted(self) -> Result<Wanted, Problem> {
        let Self { after, limit } = valid(self)?;
        Ok(Wanted { after, limit })
    }
}
