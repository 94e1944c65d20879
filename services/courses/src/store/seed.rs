//! Settles which tables a demo data set fills, and how siblings hear of them: the same changes that any write appends.

use shared::service::SeedPlan;

/// Courses' part of a demo data set.
pub const PLAN: SeedPlan = SeedPlan {
    tables: &["student_group", "enrolment", "course", "homework"],
    announcements: &[
        "insert into change_feed (kind, key, deleted, body)
         select 'student_group', concat_ws(':', school_id, id), $1::boolean,
                jsonb_build_object('school_id', school_id, 'id', id, 'kind', kind, 'name', name) from student_group",
        "insert into change_feed (kind, key, deleted, body)
         select 'enrolment', concat_ws(':', school_id, group_id, person_id), $1::boolean,
                jsonb_build_object('school_id', school_id, 'group_id', group_id, 'person_id', person_id, 'part', part)
         from enrolment",
    ],
};
