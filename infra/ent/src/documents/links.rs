//! Settles where a link of a document may lead: to a file of this repository, and to a heading that it has.

use std::fs::read_to_string;
use std::path::Path;

use super::{Document, markdown};

/// Links that lead nowhere.
pub(super) fn faults(root: &Path, document: &Document) -> Vec<String> {
    let links = markdown::links(&document.text);
    links.iter().filter_map(|link| fault(root, document, link)).collect()
}

fn fault(root: &Path, document: &Document, link: &str) -> Option<String> {
    // Other people's pages come and go: a test that asks them says nothing about this repository.
    if link.starts_with("https://") {
        return None;
    }
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let here = root.join(&document.path);
    let target = if path.is_empty() { here.clone() } else { here.parent()?.join(path) };
    let Ok(target) = target.canonicalize() else { return Some(format!("there is no {path} ({link})")) };
    if !target.starts_with(root) {
        return Some(format!("{link} leads out of the repository"));
    }
    if anchor.is_empty() {
        return None;
    }
    let text = read_to_string(&target).unwrap_or_default();
    let has_anchor = markdown::anchors(&text).iter().any(|name| name == anchor);
    (!has_anchor).then(|| format!("no heading is called #{anchor} ({link})"))
}

#[test]
fn a_link_that_leads_nowhere_is_a_fault() {
    let root = super::root();
    let document = |text: &str| Document { path: "docs/testing.md".into(), text: text.to_owned() };
    let faults = |text: &str| faults(&root, &document(text)).len();
    assert_eq!(faults("[a](incidents.md) [b](../README.md) [c](decisions/) [d](https://example.org/)"), 0);
    assert_eq!(faults("[a](incidents.md#the-worst-morning)"), 0);
    for wrong in ["[a](none.md)", "[a](incidents.md#none)", "[a](#none)", "[a](/README.md)", "[a](../..)"] {
        assert_eq!(faults(wrong), 1, "{wrong}");
    }
}
