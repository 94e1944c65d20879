//! Settles how roles are given and taken, and how siblings hear of it: by the feed, in the same transaction.

use shared::pg::{Error, Transaction};
use shared::session::Role;
use uuid::Uuid;

/// Gives a role. False when the person had it.
pub async fn insert(
    transaction: &mut Transaction,
    school: Uuid,
    person: Uuid,
    role: Role,
) -> Result<bool, Error> {
    let sql = "with given as (insert into membership (school_id, person_id, role) values ($1, $2, $3)
                              on conflict do nothing returning school_id, person_id, role)
               insert into change_feed (kind, key, deleted, body)
               select 'membership', concat_ws(':', school_id, person_id, role), false,
                      jsonb_build_object('school_id', school_id, 'person_id', person_id, 'role', role) from given";
    Ok(transaction.execute(sql, &[&school, &person, &role.name()]).await? == 1)
}

/// Takes a role. False when the person did not have it.
pub async fn delete(
    transaction: &mut Transaction,
    school: Uuid,
    person: Uuid,
    role: Role,
) -> Result<bool, Error> {
    let sql = "with taken as (delete from membership where (school_id, person_id, role) = ($1, $2, $3)
                              returning school_id, person_id, role)
               insert into change_feed (kind, key, deleted, body)
               select 'membership', concat_ws(':', school_id, person_id, role), true,
                      jsonb_build_object('school_id', school_id, 'person_id', person_id, 'role', role) from taken";
    Ok(transaction.execute(sql, &[&school, &person, &role.name()]).await? == 1)
}

/// Ends the guardianships of a school that stood on a role of this person. Returns how many.
pub async fn delete_guardianships(
    transaction: &mut Transaction,
    school: Uuid,
    person: Uuid,
    role: Role,
) -> Result<u64, Error> {
    let sql = "with ended as (delete from guardianship
                              where school_id = $1 and case $3 when 'Student' then student_id = $2
                                                               when 'Guardian' then guardian_id = $2 else false end
                              returning school_id, student_id, guardian_id)
               insert into change_feed (kind, key, deleted, body)
               select 'guardianship', concat_ws(':', school_id, student_id, guardian_id), true,
                      jsonb_build_object('school_id', school_id, 'student_id', student_id, 'guardian_id', guardian_id)
               from ended";
    transaction.execute(sql, &[&school, &person, &role.name()]).await
}
