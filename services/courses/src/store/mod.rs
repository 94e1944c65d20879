//! Settles every SQL statement and every Redis key of courses.

pub mod course;
pub mod directory;
pub mod homework;
pub mod seed;
pub mod student_group;

/// The groups that a viewer may see: `$1` their schools, `$2` the person, `$3` the schools they oversee.
const VISIBLE_GROUPS: &str = "visible as (
    select e.school_id, e.group_id from enrolment e where e.school_id = any($1) and e.person_id = $2
    union
    select e.school_id, e.group_id from directory.guardianship g
      join enrolment e on e.school_id = g.school_id and e.person_id = g.student_id and e.part = 'student'
      where g.school_id = any($1) and g.guardian_id = $2
    union
    select g.school_id, g.id from student_group g where g.school_id = any($3))";
