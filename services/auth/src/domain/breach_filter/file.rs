//! Settles how an operator's list becomes a file of the filter, and that a file which is not whole is refused.
//!
//! The list has one entry a line: a SHA-1 in hex, with anything after a colon left out, as public corpora are published.
//! The file: magic, seed, block length, count of fingerprints (all little-endian), fingerprints, and SHA-256 of all before.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;

use sha2::{Digest, Sha256};
use xorf::Xor16;

use crate::domain::sealed::Fields;

const MAGIC: &[u8; 8] = b"ENTBREA1";
const DIGEST_BYTES: usize = 32;
const HEX_KEY: usize = 16;
const HEX_SHA1: usize = 40;

/// Makes the file `to` of the list `from`, and says how many entries it has. `to` must not exist. Needs about 20 bytes of
/// memory an entry.
pub fn build(from: &Path, to: &Path) -> std::io::Result<usize> {
    let mut keys = vec![];
    for (number, line) in BufReader::new(std::fs::File::open(from)?).lines().enumerate() {
        let line = line?;
        let hash = line.split(':').next().unwrap_or_default().trim();
        if hash.is_empty() {
            continue;
        }
        keys.push(key(hash).ok_or_else(|| invalid(format!("line {}: not a SHA-1 in hex", number + 1)))?);
    }
    keys.sort_unstable();
    keys.dedup();
    if keys.is_empty() {
        return Err(invalid("the list is empty".to_owned()));
    }
    let mut file = std::fs::File::options().write(true).create_new(true).open(to)?;
    file.write_all(&bytes(&Xor16::from(&keys)))?;
    file.sync_all()?;
    Ok(keys.len())
}

/// The filter of a file.
pub fn read(file: &Path) -> std::io::Result<Xor16> {
    let mut bytes = vec![];
    std::fs::File::open(file)?.read_to_end(&mut bytes)?;
    parse(&bytes).ok_or_else(|| invalid("not a whole breach filter: build it again".to_owned()))
}

fn key(hash: &str) -> Option<u64> {
    if hash.len() != HEX_SHA1 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u64::from_str_radix(hash.get(..HEX_KEY)?, 16).ok()
}

fn bytes(filter: &Xor16) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(filter.seed.to_le_bytes());
    bytes.extend((filter.block_length as u64).to_le_bytes());
    bytes.extend((filter.fingerprints.len() as u64).to_le_bytes());
    bytes.extend(filter.fingerprints.iter().flat_map(|fingerprint| fingerprint.to_le_bytes()));
    let digest = Sha256::digest(&bytes);
    bytes.extend(digest);
    bytes
}

fn parse(bytes: &[u8]) -> Option<Xor16> {
    let (content, digest) = bytes.split_at_checked(bytes.len().checked_sub(DIGEST_BYTES)?)?;
    if *Sha256::digest(content) != *digest {
        return None;
    }
    let mut fields = Fields(content);
    if fields.take::<8>()? != *MAGIC {
        return None;
    }
    let seed = u64::from_le_bytes(fields.take()?);
    let block_length = usize::try_from(u64::from_le_bytes(fields.take()?)).ok()?;
    let count = usize::try_from(u64::from_le_bytes(fields.take()?)).ok()?;
    let (pairs, rest) = fields.0.as_chunks::<2>();
    let fingerprints: Box<[u16]> = pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
    // A look-up reads one place in each of three blocks.
    let is_whole =
        rest.is_empty() && fingerprints.len() == count && block_length.checked_mul(3)? == count && count > 0;
    is_whole.then_some(Xor16 { seed, block_length, fingerprints })
}

fn invalid(message: String) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidData, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::breach_filter::BreachFilter;

    #[test]
    fn a_public_list_becomes_a_filter_and_a_damaged_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (list, file) = (folder.path().join("list.txt"), folder.path().join("list.filter"));
        // The first is the SHA-1 of "cheval pile agrafe bleue".
        std::fs::write(
            &list,
            "681A5E34C35C7E2832C63D47BEAC9D6D2D15F668:12\r\n\n0000000000000000000000000000000000000000\n",
        )
        .unwrap();
        assert_eq!(build(&list, &file).unwrap(), 2);
        assert!(build(&list, &file).is_err(), "never overwritten");
        let filter = BreachFilter::built_in().with(read(&file).unwrap());
        assert!(filter.contains("cheval pile agrafe bleue"));
        assert!(!filter.contains("cheval pile agrafe rouge"));
        let whole = std::fs::read(&file).unwrap();
        for at in [0, 9, 30, whole.len() - 1] {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            assert!(parse(&damaged).is_none(), "byte {at}");
            assert!(parse(&whole[..at]).is_none(), "cut at {at}");
        }
        std::fs::write(&list, "plain text\n").unwrap();
        assert!(build(&list, &folder.path().join("other")).unwrap_err().to_string().contains("line 1"));
    }
}
