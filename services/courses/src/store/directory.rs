//! Settles how auth's feed becomes courses' own knowledge of names and guardianships.

use shared::feed::Projection;

/// Auth's kinds that courses wants, and the tables they go to.
pub const FROM_AUTH: &[Projection] = &[
    Projection {
        kind: "person",
        upsert: "insert into directory.person (id, given_name, family_name)
                 select id, given_name, family_name
                 from jsonb_to_recordset($1) as c(id uuid, given_name text, family_name text)
                 on conflict (id) do update set given_name = excluded.given_name, family_name = excluded.family_name",
        delete: "delete from directory.person using jsonb_to_recordset($1) as c(id uuid) where person.id = c.id",
    },
    Projection {
        kind: "guardianship",
        upsert: "insert into directory.guardianship (school_id, student_id, guardian_id)
                 select school_id, student_id, guardian_id
                 from jsonb_to_recordset($1) as c(school_id uuid, student_id uuid, guardian_id uuid)
                 on conflict do nothing",
        delete: "delete from directory.guardianship g
                 using jsonb_to_recordset($1) as c(school_id uuid, student_id uuid, guardian_id uuid)
                 where (g.school_id, g.student_id, g.guardian_id) = (c.school_id, c.student_id, c.guardian_id)",
    },
];
