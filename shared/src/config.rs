//! Settles how a service is configured: one TOML file, overridden by `ENT_*` variables, unknown keys refused, values checked together.

use std::fmt;
use std::path::Path;

use config::{Config, Environment, File, FileFormat};
use garde::Validate;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Environment variables that override the file begin with this; `__` separates levels (`ENT_HTTP__WORKERS=2`).
pub const ENVIRONMENT_PREFIX: &str = "ENT";

/// Why a configuration is refused: one sentence per fault, each saying what to change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(String);

impl Invalid {
    /// A refusal with its sentence.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

/// What kind of installation this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// Real people: demo keys, accounts and certificates are refused.
    Production,
    /// `ent up` and `docker compose up`.
    Demo,
    /// Automated tests.
    Test,
}

impl Profile {
    /// Whether demo keys, accounts and certificates may be used.
    pub fn accepts_demo(self) -> bool {
        match self {
            Self::Demo | Self::Test => true,
            Self::Production => false,
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Production => "production",
            Self::Demo => "demo",
            Self::Test => "test",
        })
    }
}

/// A configuration that can check what no single field shows.
pub trait CrossChecked {
    /// Compares values with each other and with the files they name.
    fn cross_check(&self) -> Result<(), Invalid>;
}

/// Reads `path`, lays the environment over it, refuses unknown keys, checks every value.
pub fn load<T>(path: &Path) -> Result<T, Invalid>
where
    T: DeserializeOwned + Validate<Context = ()> + CrossChecked,
{
    let text = std::fs::read_to_string(path)
        .map_err(|error| Invalid::new(format!("cannot read configuration {}: {error}", path.display())))?;
    let environment =
        Environment::with_prefix(ENVIRONMENT_PREFIX).prefix_separator("_").separator("__").try_parsing(true);
    parse(&text, environment).map_err(|invalid| Invalid::new(format!("{}: {invalid}", path.display())))
}

fn parse<T>(text: &str, environment: Environment) -> Result<T, Invalid>
where
    T: DeserializeOwned + Validate<Context = ()> + CrossChecked,
{
    let layers = Config::builder()
        .add_source(File::from_str(text, FileFormat::Toml))
        .add_source(environment)
        .build()
        .map_err(|error| Invalid::new(error.to_string()))?;
    let parsed: T = serde_path_to_error::deserialize(layers)
        .map_err(|error| Invalid::new(format!("{}: {}", error.path(), error.inner())))?;
    parsed.validate().map_err(|report| Invalid::new(report.to_string().trim_end().replace('\n', "; ")))?;
    parsed.cross_check()?;
    Ok(parsed)
}

/// A secret read from a file; never printed, wiped when dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Wraps a value that must not be printed.
    pub fn new(value: String) -> Self {
        Self(Zeroizing::new(value))
    }

    /// Reads the first line of a secret file.
    pub fn read(path: &Path) -> Result<Self, Invalid> {
        let text = Zeroizing::new(
            std::fs::read_to_string(path)
                .map_err(|error| Invalid::new(format!("cannot read secret {}: {error}", path.display())))?,
        );
        match text.lines().next().map(str::trim) {
            Some(line) if !line.is_empty() => Ok(Self::new(line.to_owned())),
            Some(_) | None => Err(Invalid::new(format!("secret file {} is empty", path.display()))),
        }
    }

    /// The value itself, for the one call that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// Says where a file is expected, in the words of `Invalid`.
pub fn must_be_file(key: &str, path: &Path) -> Result<(), Invalid> {
    if path.is_file() {
        return Ok(());
    }
    Err(Invalid::new(format!("{key}: there is no file {}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[derive(Debug, Deserialize, Validate)]
    #[serde(deny_unknown_fields)]
    struct Example {
        #[garde(skip)]
        profile: Profile,
        #[garde(dive)]
        http: Http,
    }

    #[derive(Debug, Deserialize, Validate)]
    #[serde(deny_unknown_fields)]
    struct Http {
        #[garde(range(min = 1, max = 64))]
        workers: usize,
    }

    impl CrossChecked for Example {
        fn cross_check(&self) -> Result<(), Invalid> {
            match (self.profile, self.http.workers) {
                (Profile::Production, 1) => Err(Invalid::new("http.workers: production needs two")),
                _ => Ok(()),
            }
        }
    }

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        let source: HashMap<String, String> =
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Environment::with_prefix("ENT")
            .prefix_separator("_")
            .separator("__")
            .try_parsing(true)
            .source(Some(source))
    }

    const FILE: &str = "profile = \"demo\"\n[http]\nworkers = 1\n";

    #[test]
    fn the_environment_overrides_the_file() {
        let parsed: Example = parse(FILE, environment(&[("ENT_HTTP__WORKERS", "4")])).unwrap();
        assert_eq!(parsed.http.workers, 4);
    }

    #[test]
    fn unknown_keys_are_refused_wherever_they_come_from() {
        let from_file = parse::<Example>(&format!("{FILE}wokers = 2\n"), environment(&[])).unwrap_err();
        assert!(from_file.to_string().contains("wokers"), "{from_file}");
        let from_environment = parse::<Example>(FILE, environment(&[("ENT_HTTP__WOKERS", "4")])).unwrap_err();
        assert!(from_environment.to_string().contains("wokers"), "{from_environment}");
    }

    #[test]
    fn values_out_of_range_and_bad_combinations_name_their_key() {
        let range = parse::<Example>(&FILE.replace('1', "0"), environment(&[])).unwrap_err();
        assert!(range.to_string().contains("http.workers"), "{range}");
        let cross = parse::<Example>(&FILE.replace("demo", "production"), environment(&[])).unwrap_err();
        assert!(cross.to_string().contains("production needs two"), "{cross}");
    }
}
