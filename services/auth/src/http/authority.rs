//! Settles what a command of an administrator says of who demanded it: one line, kept in the audit log for ever.

use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;

/// Who demanded an act: the head, the rectorate, the police, the person. Name an office rather than a name.
#[derive(Debug, Default, Deserialize, Validate, ToSchema)]
#[serde(transparent)]
#[garde(transparent)]
#[schema(example = "Principal")]
pub struct Authority(
    #[garde(length(chars, min = 1, max = 200), custom(shared::http::line), custom(is_said))] String,
);

impl Authority {
    /// The text.
    pub fn into_text(self) -> String {
        self.0
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as garde asks")]
fn is_said(value: &str, (): &()) -> garde::Result {
    if value.trim().is_empty() { Err(garde::Error::new("is blank")) } else { Ok(()) }
}

/// A command that needs to say nothing else.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Demanded {
    /// Who demanded it.
    #[garde(dive)]
    pub authority: Authority,
}
