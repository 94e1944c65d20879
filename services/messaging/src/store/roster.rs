//! Settles how courses' feed becomes messaging's own knowledge of groups, and how relations between people are looked up in it.

use std::collections::HashMap;

use shared::feed::Projection;
use shared::pg::{Error, Reader, Row, Transaction};
use shared::session::Role;
use uuid::Uuid;

use crate::domain::communication_rule::{GroupRelation, PersonRelation};

/// Courses' kinds, and the tables they go to.
pub const FROM_COURSES: &[Projection] = &[
    Projection {
        kind: "student_group",
        upsert: "insert into roster.student_group (school_id, id, kind, name)
                 select school_id, id, kind, name
                 from jsonb_to_recordset($1) as c(school_id uuid, id uuid, kind text, name text)
                 on conflict (school_id, id) do update set kind = excluded.kind, name = excluded.name",
        delete:
            "delete from roster.student_group g using jsonb_to_recordset($1) as c(school_id uuid, id uuid)
                 where (g.school_id, g.id) = (c.school_id, c.id)",
    },
    Projection {
        kind: "enrolment",
        upsert: "insert into roster.enrolment (school_id, group_id, person_id, part)
                 select school_id, group_id, person_id, part
                 from jsonb_to_recordset($1) as c(school_id uuid, group_id uuid, person_id uuid, part text)
                 on conflict (school_id, group_id, person_id) do update set part = excluded.part",
        delete: "delete from roster.enrolment e
                 using jsonb_to_recordset($1) as c(school_id uuid, group_id uuid, person_id uuid)
                 where (e.school_id, e.group_id, e.person_id) = (c.school_id, c.group_id, c.person_id)",
    },
];

/// A group and what the asking person is to it.
pub struct RelatedGroup {
    /// The school.
    pub school_id: Uuid,
    /// The group.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// What the person is to it.
    pub relation: GroupRelation,
}

/// Whether a person is a pupil of a group; `g` is the group, `$2` the person.
pub(super) const IS_STUDENT: &str = "exists (select 1 from roster.enrolment e
    where e.school_id = g.school_id and e.group_id = g.id and e.person_id = $2 and e.part = 'student')";
/// The same of a guardian of one of its pupils.
pub(super) const IS_GUARDIAN: &str = "exists (select 1 from directory.guardianship w
    join roster.enrolment e on e.school_id = w.school_id and e.person_id = w.student_id and e.part = 'student'
    where w.school_id = g.school_id and w.guardian_id = $2 and e.group_id = g.id)";

/// Whether a person teaches or looks after a group.
pub(super) const IS_TEACHER: &str = "exists (select 1 from roster.enrolment e
    where e.school_id = g.school_id and e.group_id = g.id and e.person_id = $2 and e.part = 'teacher')";

/// What a person is to others of a school; those who are not in the school are missing.
pub async fn person_relations(
    transaction: &mut Transaction,
    school_id: Uuid,
    others: &[Uuid],
    person_id: Uuid,
) -> Result<HashMap<Uuid, PersonRelation>, Error> {
    let sql = "with own as (select group_id from roster.enrolment where school_id = $1 and person_id = $2),
               childs as (
                   select e.group_id from directory.guardianship w
                   join roster.enrolment e on e.school_id = w.school_id and e.person_id = w.student_id and e.part = 'student'
                   where w.school_id = $1 and w.guardian_id = $2),
               theirs as (
                   select person_id, group_id from roster.enrolment where school_id = $1 and person_id = any($3)
                   union
                   select w.guardian_id, e.group_id from directory.guardianship w
                   join roster.enrolment e on e.school_id = w.school_id and e.person_id = w.student_id and e.part = 'student'
                   where w.school_id = $1 and w.guardian_id = any($3))
               select m.person_id, array_agg(m.role),
                      exists (select 1 from theirs t join own using (group_id) where t.person_id = m.person_id),
                      exists (select 1 from theirs t join childs using (group_id) where t.person_id = m.person_id)
               from directory.membership m where m.school_id = $1 and m.person_id = any($3) group by m.person_id";
    let rows = transaction.query(sql, &[&school_id, &person_id, &others]).await?;
    let relation = |row: &Row| {
        let roles: Vec<String> = row.get(1);
        let roles = roles.iter().filter_map(|role| Role::parse(role)).collect();
        (row.get(0), PersonRelation { roles, shares_group: row.get(2), shares_childs_group: row.get(3) })
    };
    Ok(rows.iter().map(relation).collect())
}

/// The groups that a person is in, that their children are in, and all classes of the schools they lead.
pub async fn list_related(
    reader: &mut Reader,
    schools: &[Uuid],
    person_id: Uuid,
    led_schools: &[Uuid],
) -> Result<Vec<RelatedGroup>, Error> {
    let sql = format!(
        "with related as (
             select e.school_id, e.group_id from roster.enrolment e
               where e.school_id = any($1) and e.person_id = $2
             union
             select e.school_id, e.group_id from directory.guardianship w
               join roster.enrolment e on e.school_id = w.school_id and e.person_id = w.student_id and e.part = 'student'
               where w.school_id = any($1) and w.guardian_id = $2
             union
             select c.school_id, c.id from roster.student_group c where c.school_id = any($3) and c.kind = 'class')
         select g.school_id, g.id, g.name, {IS_STUDENT}, {IS_GUARDIAN}, {IS_TEACHER}
         from roster.student_group g join related r on r.school_id = g.school_id and r.group_id = g.id
         order by g.kind, g.name limit 500"
    );
    let rows = reader.query(&sql, &[&schools, &person_id, &led_schools]).await?;
    let group = |row: &Row| RelatedGroup {
        school_id: row.get(0),
        id: row.get(1),
        name: row.get(2),
        relation: GroupRelation { is_student: row.get(3), is_guardian: row.get(4), is_teacher: row.get(5) },
    };
    Ok(rows.iter().map(group).collect())
}

/// Names of schools.
pub async fn school_names(reader: &mut Reader, schools: &[Uuid]) -> Result<Vec<(Uuid, String)>, Error> {
    let sql = "select id, name from directory.school where id = any($1) order by name";
    let rows = reader.query(sql, &[&schools]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}
