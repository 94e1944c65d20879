//! Settles how many instances of each service the front door reaches, by its own word.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use crate::context::Context;
use crate::ports;

/// How long the front door may take to say it.
const LIMIT: Duration = Duration::from_secs(1);

/// Instances by service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reach(BTreeMap<String, usize>);

impl Reach {
    /// Those of one service.
    pub(crate) fn of(&self, service: &str) -> usize {
        self.0.get(service).copied().unwrap_or(0)
    }

    /// `auth 3 courses 3 messaging 3`.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let pair = |pair: &[&str]| match pair {
            [service, count] => Ok((service.to_string(), count.parse::<usize>()?)),
            _ => bail!("a service without a number"),
        };
        let counts: BTreeMap<String, usize> = words
            .chunks(2)
            .map(pair)
            .collect::<Result<_>>()
            .with_context(|| format!("not counts: {text}"))?;
        ensure!(!counts.is_empty(), "the front door names no service");
        Ok(Self(counts))
    }
}

/// An error when there is a service that it does not reach at all.
pub(crate) fn reach(context: &Context) -> Result<Reach> {
    let url = format!("http://127.0.0.1:{}/readyz", ports::HTTP);
    context.block_on("the front door", LIMIT, async {
        let answer = context.http.get(&url).send().await.context("the front door does not answer")?;
        ensure!(answer.status().is_success(), "the front door does not reach every service");
        Reach::parse(&answer.text().await?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_service_has_its_count() {
        let reach = Reach::parse("auth 3 courses 2 messaging 12\n").unwrap();
        assert_eq!(["auth", "courses", "messaging", "mail"].map(|service| reach.of(service)), [3, 2, 12, 0]);
    }

    #[test]
    fn anything_else_says_nothing() {
        for text in ["", "auth", "auth three", "<html>", "auth 3 courses"] {
            assert!(Reach::parse(text).is_err(), "{text}");
        }
    }
}
