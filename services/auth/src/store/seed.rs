//! Settles which tables a demo data set fills, and how siblings hear of them: the same changes that any write appends.

use shared::service::SeedPlan;

/// Auth's part of a demo data set.
pub const PLAN: SeedPlan = SeedPlan {
    tables: &["school", "person", "membership", "guardianship", "account"],
    announcements: &[
        "insert into change_feed (kind, key, deleted, body)
         select 'school', id, $1::boolean, jsonb_build_object('id', id, 'uai', uai, 'name', name) from school",
        "insert into change_feed (kind, key, deleted, body)
         select 'person', id, $1::boolean,
                jsonb_build_object('id', id, 'given_name', given_name, 'family_name', family_name) from person",
        "insert into change_feed (kind, key, deleted, body)
         select 'membership', concat_ws(':', school_id, person_id, role), $1::boolean,
                jsonb_build_object('school_id', school_id, 'person_id', person_id, 'role', role) from membership",
        "insert into change_feed (kind, key, deleted, body)
         select 'guardianship', concat_ws(':', school_id, student_id, guardian_id), $1::boolean,
                jsonb_build_object('school_id', school_id, 'student_id', student_id, 'guardian_id', guardian_id)
         from guardianship",
    ],
};
