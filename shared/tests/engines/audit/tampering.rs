//! Settles that whoever changes the log is noticed: in the database, in its checkpoints, in an export.

use std::io::BufReader;

use shared::audit::{Error, verify};

use super::Audited;

#[tokio::test(flavor = "multi_thread")]
async fn the_schema_refuses_every_change_even_to_the_tables_owner() {
    let audited = Audited::start().await;
    audited.grow(0..3).await;
    audited.act(3, std::future::ready(()), true).await;
    let connection = audited.test.connect().await;
    for sql in [
        "update audit_leaf set content = 'changed' where position = 1",
        "update audit_leaf set content = 'changed' where position is null",
        "update audit_leaf set position = 9 where position = 1",
        "update audit_leaf set position = null where position = 1",
        "delete from audit_leaf where position = 1",
        "truncate audit_leaf",
        "update audit_node set hash = hash",
        "delete from audit_node",
        "truncate audit_node",
    ] {
        let refused = connection.batch_execute(sql).await.unwrap_err();
        assert!(refused.as_db_error().unwrap().message().contains("append-only"), "{sql}: {refused:?}");
    }
    assert_eq!(audited.log.sequence().await.unwrap(), 1, "the sequencer may do its one update");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_a_deletion_and_a_swap_of_checkpointed_rows_are_detected() {
    let edit =
        "update audit_leaf set content = replace(content, '\"number\":3', '\"number\":4') where position = 4";
    let swap = "create table swapped as select position, content from audit_leaf where position in (2, 3);
        update audit_leaf l set content = s.content from swapped s where l.position = 5 - s.position";
    let delete = "delete from audit_leaf where position = 4";
    let renumber = "delete from audit_leaf where position = 4;
        update audit_leaf set position = -position where position > 4;
        update audit_leaf set position = -position - 1 where position < 0";
    for (sql, what) in
        [(edit, "was changed"), (swap, "was changed"), (delete, "not the next"), (renumber, "changed")]
    {
        let audited = Audited::start().await;
        audited.grow(0..9).await;
        audited.log.checkpoint().await.unwrap();
        assert!(audited.check(&audited.export(1, Some(7)).await).is_ok());
        audited.tamper("alter table audit_leaf drop constraint audit_leaf_position_check").await;
        audited.tamper(sql).await;
        let fault = audited.check(&audited.export(1, Some(7)).await).unwrap_err();
        assert!(fault.contains(what), "{sql}: {fault}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_rewritten_is_never_signed_again() {
    let rebuilt = "delete from audit_node; delete from audit_leaf where position = 2;
        update audit_leaf set position = null";
    let shortened =
        "delete from audit_node where number >= 4 or level > 2; delete from audit_leaf where position > 4";
    for sql in [rebuilt, shortened] {
        let audited = Audited::start().await;
        audited.grow(0..7).await;
        audited.log.checkpoint().await.unwrap();
        audited.tamper(sql).await;
        if sql == rebuilt {
            audited.grow(7..12).await;
        }
        let refused = audited.log.checkpoint().await.unwrap_err();
        assert!(matches!(refused, Error::Rewritten { signed: 7, .. }), "{refused}");
        assert!(!refused.retryable());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_checkpoint_stops_the_log_and_a_missing_folder_only_delays_it() {
    let audited = Audited::start().await;
    audited.grow(0..2).await;
    let (folder, away) = (audited.file("checkpoints"), audited.file("away"));
    std::fs::rename(&folder, &away).unwrap();
    let delayed = audited.log.checkpoint().await.unwrap_err();
    assert!(matches!(delayed, Error::File(..)) && delayed.retryable(), "{delayed}");
    std::fs::rename(&away, &folder).unwrap();
    audited.log.checkpoint().await.unwrap().unwrap();
    let file = folder.join("00000000000000000002.checkpoint");
    let forged = std::fs::read_to_string(&file).unwrap().replace("auth\n2\n", "auth\n3\n");
    std::fs::write(&file, forged).unwrap();
    audited.grow(2..3).await;
    let refused = audited.log.checkpoint().await.unwrap_err();
    assert!(matches!(refused, Error::BadCheckpoint(_)) && !refused.retryable(), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_byte_of_an_export_can_be_changed_and_nothing_taken_out_or_moved() {
    let audited = Audited::start().await;
    audited.grow(0..3).await;
    audited.log.checkpoint().await.unwrap();
    audited.grow(3..5).await;
    audited.log.checkpoint().await.unwrap();
    let export = audited.export(1, None).await;
    assert!(audited.check(&export).is_ok());
    for place in 0..export.len() {
        for bit in [0x01, 0x20] {
            let mut changed = export.clone().into_bytes();
            changed[place] ^= bit;
            let passes = verify(BufReader::new(changed.as_slice()), &audited.key).is_ok();
            assert!(!passes, "byte {place} bit {bit}");
        }
    }
    let lines: Vec<&str> = export.split_inclusive('\n').collect();
    for place in 0..lines.len() {
        let mut without = lines.clone();
        without.remove(place);
        assert!(audited.check(&resealed(&without)).is_err(), "without line {place}");
        for other in 0..place {
            let mut moved = lines.clone();
            moved.swap(place, other);
            assert!(audited.check(&resealed(&moved)).is_err(), "lines {other} and {place} swapped");
        }
    }
    let other_key = ed25519_dalek::SigningKey::from_bytes(&[3; 32]).verifying_key();
    assert!(verify(BufReader::new(export.as_bytes()), &other_key).is_err());
}

/// The export with an end that adds up, as a forger would write it.
fn resealed(lines: &[&str]) -> String {
    use base64::Engine;
    use sha2::Digest;
    let Some((_, body)) = lines.split_last() else { return String::new() };
    let body = body.concat();
    let sha256 = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(&body));
    let count = body.lines().count();
    format!("{body}{{\"end\":{{\"lines\":{count},\"sha256\":\"{sha256}\"}}}}\n")
}
