//! Settles how evidence is checked, read and opened by people who have a file and a key, and nothing else.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::VerifyingKey;
use shared::config::Profile;
use shared::evidence::{self, Item, OpeningKey, Verified};
use shared::keys;

use crate::cli::{Bundle, Evidence, EvidenceAct};
use crate::ui;

/// Does one of the acts.
pub(crate) fn run(asked: &Evidence) -> Result<u8> {
    match &asked.act {
        EvidenceAct::Keys { name, file } => make_keys(name, file)?,
        EvidenceAct::Verify(bundle) => {
            let verified = verify(bundle)?;
            ui::out(&told(bundle, &verified)?)?;
        }
        EvidenceAct::Extract { bundle, to } => {
            verify(bundle)?;
            let count = write(bundle, to, readable)?;
            ui::out(&format!("verified; {count} files in {}", to.display()))?;
        }
        EvidenceAct::Open { bundle, with, to } => {
            let key = OpeningKey::read(with)?;
            let verified = verify(bundle)?;
            if !verified.head.readers.iter().any(|reader| reader.public_key == key.reader().public_key) {
                let names: Vec<&str> =
                    verified.head.readers.iter().map(|reader| reader.name.as_str()).collect();
                bail!(
                    "{} opens nothing here: this bundle was sealed for {}",
                    with.display(),
                    names.join(" and ")
                );
            }
            let count = write(bundle, to, |item| opened(item, &key))?;
            ui::out(&format!(
                "verified; {count} texts opened with the key {}, in {}",
                key.name,
                to.display()
            ))?;
        }
    }
    Ok(0)
}

fn make_keys(name: &str, file: &Path) -> Result<()> {
    let key = evidence::generate_reader_key(name);
    create(file, 0o600)?.write_all(key.private_jwk.as_bytes())?;
    let public = file.with_added_extension("pub");
    create(&public, 0o644)?.write_all(key.public_jwk.as_bytes())?;
    let (private, public) = (file.display(), public.display());
    ui::out(&format!("{private}: keep it offline, and a copy in another place"))?;
    ui::out(&format!("{public}: for `own.evidence.reader_key_files` of messaging"))?;
    Ok(())
}

fn verify(bundle: &Bundle) -> Result<Verified> {
    let key = read_key(&bundle.key)?;
    let verified = evidence::verify(open(&bundle.file)?, &key);
    verified.map_err(|fault| anyhow::anyhow!("{} is NOT what was signed: {fault}", bundle.file.display()))
}

fn read_key(path: &Path) -> Result<VerifyingKey> {
    // Whoever checks chooses the key: a demo bundle is checked with a demo key.
    let public = keys::read_public_key(path, Profile::Demo)?;
    public.ed25519().with_context(|| format!("{}: not an Ed25519 public key", path.display()))
}

fn told(bundle: &Bundle, verified: &Verified) -> Result<String> {
    let Verified { head, texts, sealed, proven, log_keys } = verified;
    let readers: Vec<&str> = head.readers.iter().map(|reader| reader.name.as_str()).collect();
    let mut lines = vec![
        format!("{}: every byte is what {} signed", bundle.file.display(), head.origin),
        format!("about {}, made at {}", head.subject, head.made_at),
        format!(
            "{texts} texts, {proven} proven entries of audit logs, {sealed} texts sealed for {}",
            readers.join(" and ")
        ),
    ];
    let also: Vec<String> =
        bundle.also.iter().map(|path| Ok(encoded(&read_key(path)?))).collect::<Result<_>>()?;
    let foreign: BTreeMap<_, _> = log_keys.iter().filter(|(origin, _)| **origin != head.origin).collect();
    for (origin, key) in foreign {
        if also.contains(key) {
            lines.push(format!("entries of {origin} are proven by the key given with --also"));
        } else if also.is_empty() {
            lines.push(format!("entries of {origin} are proven by the key {key}, which this bundle names: compare it, or give its file with --also"));
        } else {
            bail!(
                "entries of {origin} are proven by the key {key}, which is none of those given with --also"
            );
        }
    }
    Ok(lines.join("\n"))
}

fn encoded(key: &VerifyingKey) -> String {
    STANDARD.encode(key.as_bytes())
}

/// What everybody may read.
fn readable(item: Item) -> Result<Option<(String, Vec<u8>)>> {
    match item {
        Item::Text { name, content, .. } => Ok(Some((name, content.into_bytes()))),
        Item::Proof { name, proof } => Ok(Some((format!("{name}.json"), serde_json::to_vec_pretty(&proof)?))),
        Item::Sealed { .. } => Ok(None),
    }
}

fn opened(item: Item, key: &OpeningKey) -> Result<Option<(String, Vec<u8>)>> {
    match item {
        Item::Sealed { name, sealed } => {
            let text = evidence::open(key, &sealed).with_context(|| name.clone())?;
            Ok(Some((name, text)))
        }
        Item::Text { .. } | Item::Proof { .. } => Ok(None),
    }
}

/// Writes what `content` makes of each item, in a new private folder. Returns how many files.
fn write(
    bundle: &Bundle,
    to: &Path,
    content: impl Fn(Item) -> Result<Option<(String, Vec<u8>)>>,
) -> Result<usize> {
    fs::DirBuilder::new().mode(0o700).create(to).with_context(|| format!("cannot make {}", to.display()))?;
    let mut count = 0;
    evidence::items(open(&bundle.file)?, |item| {
        let Some((name, bytes)) = content(item).map_err(io::Error::other)? else { return Ok(()) };
        let path = below(to, &name)?;
        if let Some(folder) = path.parent() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?.write_all(&bytes)?;
        count += 1;
        Ok(())
    })
    .with_context(|| bundle.file.display().to_string())?;
    Ok(count)
}

/// Names are ours, and still lead nowhere else.
fn below(folder: &Path, name: &str) -> io::Result<PathBuf> {
    let name = Path::new(name);
    if name.components().all(|part| matches!(part, Component::Normal(_))) {
        return Ok(folder.join(name));
    }
    Err(io::Error::other(format!("{}: not a name of a file", name.display())))
}

fn open(path: &Path) -> Result<BufReader<File>> {
    Ok(BufReader::new(File::open(path).with_context(|| format!("cannot read {}", path.display()))?))
}

fn create(path: &Path, mode: u32) -> Result<File> {
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    file.with_context(|| format!("cannot make {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_a_bundle_leads_out_of_no_folder() {
        let folder = Path::new("/out");
        assert_eq!(below(folder, "audit/1").unwrap(), Path::new("/out/audit/1"));
        for bad in ["/etc/passwd", "../up", "a/../../up"] {
            assert!(below(folder, bad).is_err(), "{bad}");
        }
    }
}
