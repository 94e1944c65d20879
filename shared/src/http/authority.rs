//! Settles what a command of an administrator says of who demanded it: one line, kept in the audit log for ever.

use std::str::FromStr;

use garde::Validate;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Who demanded an act: the head, the rectorate, the police, the person. Name an office rather than a name.
#[derive(Debug, Clone, Default, Deserialize, Validate, ToSchema)]
#[serde(transparent)]
#[garde(transparent)]
#[schema(example = "Principal")]
pub struct Authority(
    #[garde(length(chars, min = 1, max = 200), custom(super::line), custom(is_said))] String,
);

impl Authority {
    /// The text.
    pub fn into_text(self) -> String {
        self.0
    }
}

/// For command lines.
impl FromStr for Authority {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let authority = Self(text.to_owned());
        authority.validate().map_err(|_| "1 to 200 letters on one line")?;
        Ok(authority)
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
    /// The incident that it belongs to.
    #[garde(skip)]
    pub incident: Option<Uuid>,
}
