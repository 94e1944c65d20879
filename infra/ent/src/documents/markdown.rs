//! Settles how much of Markdown a check has to understand: fenced blocks, headings, links, words in backticks.

use std::collections::HashMap;

/// A block between two fences.
pub(super) struct Fence<'a> {
    /// The word behind the first fence, such as `sh`.
    pub(super) language: &'a str,
    /// Its lines.
    pub(super) lines: Vec<&'a str>,
}

/// The fenced blocks of a document, and everything else line by line.
pub(super) fn split(text: &str) -> (Vec<Fence<'_>>, Vec<&str>) {
    let (mut fences, mut prose) = (Vec::new(), Vec::new());
    let mut open: Option<Fence<'_>> = None;
    for line in text.lines() {
        match (open.take(), line.trim_start().strip_prefix("```")) {
            (None, Some(language)) => open = Some(Fence { language: language.trim(), lines: Vec::new() }),
            (None, None) => prose.push(line),
            (Some(fence), Some(_)) => fences.push(fence),
            (Some(mut fence), None) => {
                fence.lines.push(line);
                open = Some(fence);
            }
        }
    }
    assert!(open.is_none(), "a block is not closed");
    (fences, prose)
}

/// What stands between backticks outside fenced blocks; it may go over the end of a line within its paragraph.
pub(super) fn quoted(text: &str) -> Vec<String> {
    let spans =
        |paragraph: &String| paragraph.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    paragraphs(text).iter().flat_map(spans).collect()
}

/// The targets of links and pictures, as they are written.
pub(super) fn links(text: &str) -> Vec<String> {
    let targets = |paragraph: &String| {
        let plain: String = paragraph.split('`').step_by(2).collect();
        let found = plain.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        found.map(|(target, _)| target.to_owned()).collect::<Vec<_>>()
    };
    paragraphs(text).iter().flat_map(targets).collect()
}

/// What can stand behind `#` in a link to this document: GitHub's names of its headings.
pub(super) fn anchors(text: &str) -> Vec<String> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let headings = split(text).1.into_iter().filter_map(heading);
    let name = |heading: &str| {
        let name = anchor(heading);
        let count = seen.entry(name.clone()).and_modify(|count| *count += 1).or_default();
        if *count == 0 { name } else { format!("{name}-{count}") }
    };
    headings.map(name).collect()
}

fn heading(line: &str) -> Option<&str> {
    let text = line.trim_start_matches('#');
    let depth = line.len() - text.len();
    text.strip_prefix(' ').filter(|_| (1..=6).contains(&depth)).map(str::trim)
}

/// Lower case, without punctuation, with a hyphen for each space.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// Lines up to an empty one in one string each.
fn paragraphs(text: &str) -> Vec<String> {
    let prose = split(text).1;
    let paragraphs = prose.split(|line| line.trim().is_empty());
    paragraphs.map(|lines| lines.join(" ")).collect()
}

#[test]
fn headings_have_the_names_that_github_gives_them() {
    let text = "# One: two, *three*\n\n## `/statusz` & more\n```sh\n# no heading\n```\n## Again\n## Again\n#none\n### Où ça_?\n";
    assert_eq!(anchors(text), ["one-two-three", "statusz--more", "again", "again-1", "où-ça_"]);
}

#[test]
fn links_are_found_in_prose_alone_and_quotes_may_go_over_a_line() {
    let text = "See [`a`](b.md#c) and ![d](e.svg).\n`[no](link)` `two\nlines`\n```md\n[no](link)\n```\n";
    assert_eq!(links(text), ["b.md#c", "e.svg"]);
    assert_eq!(quoted(text), ["a", "[no](link)", "two lines"]);
}
