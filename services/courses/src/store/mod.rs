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

/// The courses on a viewer's own list: a teacher's are those they teach, not all of the groups they teach in.
const OWN_COURSES: &str = "own as (
    select c.* from course c join visible v on v.school_id = c.school_id and v.group_id = c.group_id
    where c.teacher_id = $2 or not exists (
        select 1 from enrolment t
        where t.school_id = c.school_id and t.group_id = c.group_id and t.person_id = $2 and t.part = 'teacher'))";
