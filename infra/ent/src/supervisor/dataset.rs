//! Settles which demo data are in the databases, as far as `ent` loaded them.

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::layout::{Layout, write_file};
use crate::region::Scale;

/// The region that is generated when nobody asks for another.
pub(crate) const DEFAULT_SEED: u64 = 1;

/// One generated region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Dataset {
    /// How much.
    #[serde(with = "by_name")]
    pub(crate) scale: Scale,
    /// Which one.
    pub(crate) seed: u64,
    /// Whether it was loaded to the end; one that was not is loaded again, replacing what is there.
    pub(crate) is_complete: bool,
}

impl Dataset {
    /// What was loaded last, if anything.
    pub(crate) fn load(layout: &Layout) -> Result<Option<Self>> {
        let path = layout.path("dataset.json");
        if !path.is_file() {
            return Ok(None);
        }
        let text = std::fs::read_to_string(&path)?;
        let parsed = serde_json::from_str(&text);
        parsed.with_context(|| {
            format!("{} is damaged; remove it and load again with --replace", path.display())
        })
    }

    /// Remembers what is being loaded, or was.
    pub(crate) fn save(&self, layout: &Layout) -> Result<()> {
        write_file(&layout.path("dataset.json"), serde_json::to_string(self)?, 0o600)
    }

    /// Whether both mean the same region.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        (self.scale, self.seed) == (other.scale, other.seed)
    }

    /// As files and people call it.
    pub(crate) fn name(&self) -> String {
        format!("{}-{}", self.scale_name(), self.seed)
    }

    /// `small` or `region`.
    pub(crate) fn scale_name(&self) -> &'static str {
        by_name::name(self.scale)
    }
}

/// A scale in files is spelled as on the command line.
mod by_name {
    use clap::ValueEnum;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use super::Scale;

    pub(super) fn name(scale: Scale) -> &'static str {
        match scale {
            Scale::Small => "small",
            Scale::Region => "region",
        }
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
    pub(super) fn serialize<S: Serializer>(scale: &Scale, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(name(*scale))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Scale, D::Error> {
        let text = String::deserialize(deserializer)?;
        Scale::from_str(&text, false).map_err(D::Error::custom)
    }
}
