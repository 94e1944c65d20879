//! Settles which instances a restart is about, in which order.

use anyhow::{Result, bail, ensure};

use crate::services::{Instance, SERVICES};

/// The instances that the words name, services or instances; all without a word. In the order in which services ask each other: whoever
/// is asked knows what is new before whoever asks.
pub(crate) fn choose(words: &[String], instances: u16) -> Result<Vec<Instance>> {
    let all = Instance::all(instances);
    for word in words {
        let is_known = |instance: &Instance| instance.service == word || instance.name() == *word;
        if !all.iter().any(is_known) {
            let names: Vec<String> = all.iter().map(Instance::name).collect();
            bail!(
                "no service or instance is called `{word}`; there are {}, {}",
                SERVICES.join(", "),
                names.join(", ")
            );
        }
    }
    let is_meant = |instance: &Instance| {
        words.is_empty() || words.iter().any(|word| instance.service == word || instance.name() == *word)
    };
    let chosen: Vec<Instance> = all.into_iter().filter(is_meant).collect();
    ensure!(!chosen.is_empty(), "there is no instance to restart");
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(words: &[&str]) -> Vec<String> {
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        choose(&words, 2).unwrap().iter().map(Instance::name).collect()
    }

    #[test]
    fn all_come_one_service_after_the_other_those_that_are_asked_first() {
        let all = ["auth-1", "auth-2", "courses-1", "courses-2", "messaging-1", "messaging-2"];
        assert_eq!(chosen(&[]), all);
    }

    #[test]
    fn services_and_instances_are_chosen_by_name_each_once() {
        assert_eq!(chosen(&["messaging-2", "auth", "auth-1"]), ["auth-1", "auth-2", "messaging-2"]);
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_known_ones() {
        let refusal = choose(&["auth-3".to_owned()], 2).unwrap_err().to_string();
        assert!(refusal.contains("`auth-3`") && refusal.contains("messaging-2"), "{refusal}");
    }
}
