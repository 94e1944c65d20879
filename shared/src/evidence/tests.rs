//! Settles that a bundle is noticed to be changed whatever is changed, and that what is sealed opens for its two readers and nobody else.

use std::io::Cursor;
use std::path::Path;

use ed25519_dalek::{SigningKey, VerifyingKey};
use proptest::prelude::*;

use super::*;
use crate::audit::merkle::{Tree, leaf_hash, node_hash};
use crate::audit::{Checkpoint, Checkpoints, Proof, ProvenEntry};
use crate::config::Profile;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const ORIGIN: &str = "ent/test";

fn signer() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn key() -> VerifyingKey {
    signer().verifying_key()
}

/// Two persons: the public halves, and the private ones.
fn persons(folder: &Path) -> (Vec<ReaderKey>, Vec<OpeningKey>) {
    let pair = |name: &str| {
        let key = generate_reader_key(name);
        let (private, public) = (folder.join(name), folder.join(format!("{name}.pub")));
        std::fs::write(&private, key.private_jwk).unwrap();
        std::fs::write(&public, key.public_jwk).unwrap();
        (ReaderKey::read(&public, Profile::Test).unwrap(), OpeningKey::read(&private).unwrap())
    };
    ["first", "second"].map(pair).into_iter().unzip()
}

/// Two entries in a log of two, signed with `key`.
fn proof(origin: &str, key: &SigningKey) -> Proof {
    let contents = ["{\"act\":\"one\"}", "{\"act\":\"two\"}"];
    let [one, two] = contents.map(|content| leaf_hash(content.as_bytes()));
    let tree = Tree { size: 2, root: node_hash(&one, &two) };
    let at = chrono::DateTime::from_timestamp(1_788_242_400, 0).unwrap();
    let entry = |position, content: &str, other: &[u8]| ProvenEntry {
        position,
        content: content.to_owned(),
        inclusion: vec![STANDARD.encode(other)],
    };
    Proof {
        origin: origin.to_owned(),
        public_key: STANDARD.encode(key.verifying_key().as_bytes()),
        checkpoint: Checkpoint { origin: origin.to_owned(), tree, at }.sign(key),
        entries: vec![entry(1, contents[0], &two), entry(2, contents[1], &one)],
    }
}

fn bundle(readers: &[ReaderKey], proofs: Vec<Proof>) -> Vec<u8> {
    let head = Head {
        version: 1,
        origin: ORIGIN.to_owned(),
        subject: "incident:1".to_owned(),
        made_at: "2026-09-01T06:00:00Z".to_owned(),
        public_key: STANDARD.encode(key().as_bytes()),
        readers: readers.iter().map(ReaderKey::reader).collect(),
    };
    let mut writer = Writer::begin(Vec::new(), head).unwrap();
    let text = |name: &str, content: &str| Item::Text {
        name: name.to_owned(),
        media_type: "text/plain".to_owned(),
        content: content.to_owned(),
    };
    writer.add(text("events", "é\n{\"a\":1}")).unwrap();
    for (number, proof) in proofs.into_iter().enumerate() {
        writer.add(Item::Proof { name: format!("audit/{number}"), proof }).unwrap();
    }
    writer.add(Item::Sealed { name: "body".to_owned(), sealed: seal(readers, b"a body").unwrap() }).unwrap();
    writer.end(&Checkpoints::signing_with(signer())).unwrap()
}

fn told(file: &[u8]) -> Result<Verified, String> {
    verify(Cursor::new(file), &key()).map_err(|fault| fault.to_string())
}

#[test]
fn a_bundle_verifies_with_its_key_and_says_what_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    let (readers, _) = persons(folder.path());
    let other = SigningKey::from_bytes(&[8; 32]);
    let file = bundle(&readers, vec![proof(ORIGIN, &signer()), proof("ent/other", &other)]);
    let verified = told(&file).unwrap();
    assert_eq!((verified.texts, verified.proven, verified.sealed), (1, 4, 1));
    assert_eq!(verified.log_keys["ent/other"], STANDARD.encode(other.verifying_key().as_bytes()));
    assert_eq!(verified.head.readers.len(), 2);
    let with_other = verify(Cursor::new(&file), &other.verifying_key()).unwrap_err();
    assert_eq!(with_other.to_string(), "line 1: names another public key than the one given");
}

#[test]
fn no_bit_of_a_bundle_can_be_changed() {
    let folder = tempfile::tempdir().unwrap();
    let (readers, _) = persons(folder.path());
    let file = bundle(&readers, vec![proof(ORIGIN, &signer())]);
    assert!(told(&file).is_ok());
    for place in 0..file.len() {
        for bit in 0..8 {
            let mut changed = file.clone();
            changed[place] ^= 1 << bit;
            assert!(told(&changed).is_err(), "bit {bit} of byte {place}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_part_of_a_bundle_can_be_changed_added_taken_or_moved(
        from in any::<prop::sample::Index>(), length in 0..80_usize, put in prop::collection::vec(any::<u8>(), 0..80),
        lines in any::<[prop::sample::Index; 2]>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let (readers, _) = persons(folder.path());
        let file = bundle(&readers, vec![proof(ORIGIN, &signer())]);
        let from = from.index(file.len() + 1);
        let mut changed = file.clone();
        changed.splice(from..(from + length).min(file.len()), put);
        prop_assert_eq!(told(&changed).is_ok(), changed == file);
        let mut moved: Vec<&[u8]> = file.split_inclusive(|byte| *byte == b'\n').collect();
        let [one, other] = lines.map(|line| line.index(moved.len()));
        moved.swap(one, other);
        prop_assert_eq!(told(&moved.concat()).is_ok(), one == other);
        moved.swap(one, other);
        moved.remove(one);
        prop_assert!(told(&moved.concat()).is_err());
    }
}

#[test]
fn a_changed_bundle_says_where() {
    let folder = tempfile::tempdir().unwrap();
    let (readers, _) = persons(folder.path());
    let file = String::from_utf8(bundle(&readers, vec![proof(ORIGIN, &signer())])).unwrap();
    let fault = |from: &str, to: &str| told(file.replacen(from, to, 1).as_bytes()).unwrap_err();
    assert_eq!(
        fault("\\\"a\\\":1", "\\\"a\\\":2"),
        "line 5: says something else of line 2 (events): one of them was changed"
    );
    assert_eq!(
        fault("\\\"act\\\":\\\"one\\\"", "\\\"act\\\":\\\"ten\\\""),
        "line 3: audit/0 has an entry that is not what was checkpointed"
    );
    let cut = file.rsplit_once("{\"signature\"").unwrap().0;
    let expected = "line 5: is the last one, and there is no signature: the file was cut off";
    assert_eq!(told(cut.as_bytes()).unwrap_err(), expected);
    let forged = SigningKey::from_bytes(&[9; 32]);
    let by_another = bundle(&readers, vec![proof(ORIGIN, &forged)]);
    assert_eq!(told(&by_another).unwrap_err(), "line 3: proves entries of this service by another key");
}

#[test]
fn each_of_the_two_persons_opens_alone_and_a_third_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let (readers, keys) = persons(folder.path());
    let (_, thirds) = persons(folder.path());
    let sealed = seal(&readers, "à 10 h".as_bytes()).unwrap();
    for key in &keys {
        assert_eq!(open(key, &sealed).unwrap(), "à 10 h".as_bytes());
    }
    assert_eq!(open(&thirds[0], &sealed), Err(Unsealed::NoBox));
    let other = seal(&readers, "à 10 h".as_bytes()).unwrap();
    assert_ne!(other.commitment, sealed.commitment, "a text cannot be guessed by its commitment");
    let mixed = Sealed { commitment: other.commitment, ..sealed };
    assert_eq!(open(&keys[1], &mixed), Err(Unsealed::NotCommitted));
}

#[test]
fn a_private_key_is_refused_where_a_public_one_belongs() {
    let folder = tempfile::tempdir().unwrap();
    persons(folder.path());
    let refused = ReaderKey::read(&folder.path().join("first"), Profile::Test).err().unwrap();
    assert!(refused.to_string().contains("this is a private key"), "{refused}");
    let opens_nothing = OpeningKey::read(&folder.path().join("first.pub")).err().unwrap();
    assert!(opens_nothing.to_string().contains("opens nothing"), "{opens_nothing}");
}
