//! Settles who an audience is when a message is sent: its people but the sender, from messaging's own tables.

use shared::pg::{Error, Row, Transaction};
use shared::session::Role;
use uuid::Uuid;

use super::roster::{IS_GUARDIAN, IS_STUDENT, IS_TEACHER};
use crate::domain::audience::Part;
use crate::domain::communication_rule::GroupRelation;

/// What a sender is to a group, and up to `most` of its people in these parts. `None` when the school has no such group.
pub async fn list_of_group(
    transaction: &mut Transaction,
    (school_id, group_id): (Uuid, Uuid),
    parts: &[Part],
    sender_id: Uuid,
    most: i64,
) -> Result<Option<(GroupRelation, Vec<Uuid>)>, Error> {
    let sql = format!(
        "select {IS_STUDENT}, {IS_GUARDIAN}, {IS_TEACHER}, array(
             select person_id from (
                 select e.person_id from roster.enrolment e
                   where e.school_id = $1 and e.group_id = $3 and e.part = any($4)
                 union
                 select w.guardian_id from roster.enrolment e
                   join directory.guardianship w on w.school_id = e.school_id and w.student_id = e.person_id
                   where e.school_id = $1 and e.group_id = $3 and e.part = 'student' and 'guardian' = any($4)) people
             where person_id <> $2 order by person_id limit $5)
         from roster.student_group g where g.school_id = $1 and g.id = $3"
    );
    let parts: Vec<&str> = parts.iter().map(|part| part.name()).collect();
    let row = transaction.query_opt(&sql, &[&school_id, &sender_id, &group_id, &parts, &most]).await?;
    let relation =
        |row: &Row| GroupRelation { is_student: row.get(0), is_guardian: row.get(1), is_teacher: row.get(2) };
    Ok(row.map(|row| (relation(&row), row.get(3))))
}

/// Up to `most` people with a role in a school.
pub async fn list_of_role(
    transaction: &mut Transaction,
    school_id: Uuid,
    role: Role,
    sender_id: Uuid,
    most: i64,
) -> Result<Vec<Uuid>, Error> {
    let sql = "select array(select person_id from directory.membership
                            where school_id = $1 and role = $2 and person_id <> $3 order by person_id limit $4)";
    Ok(transaction.query_one(sql, &[&school_id, &role.name(), &sender_id, &most]).await?.get(0))
}
