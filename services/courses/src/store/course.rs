//! Settles how courses are read.

use serde::Serialize;
use shared::pg::{Error, Reader, Row};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{OWN_COURSES, VISIBLE_GROUPS};
use crate::domain::viewer::Viewer;

/// A course in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct CourseSummary {
    /// The school.
    pub school_id: Uuid,
    /// The course.
    pub id: Uuid,
    /// Subject, such as `Mathématiques`.
    pub subject: String,
    /// Title.
    pub title: String,
    /// The class or teaching group.
    pub group_id: Uuid,
    /// Its name.
    pub group_name: String,
    /// The teacher.
    pub teacher_id: Uuid,
    /// Their name; absent until the directory has told it.
    pub teacher_name: Option<String>,
}

const COLUMNS: &str = "c.school_id, c.id, c.subject, c.title, c.group_id, g.name, c.teacher_id,
        p.given_name || ' ' || p.family_name";
const NAMES: &str = "join student_group g on g.school_id = c.school_id and g.id = c.group_id
        left join directory.person p on p.id = c.teacher_id";

/// The courses on the viewer's own list.
pub async fn list_of(reader: &mut Reader, viewer: &Viewer) -> Result<Vec<CourseSummary>, Error> {
    let sql = format!(
        "with {VISIBLE_GROUPS}, {OWN_COURSES} select {COLUMNS} from own c {NAMES} order by g.name, c.subject limit 500"
    );
    let rows = reader.query(&sql, &[&viewer.schools, &viewer.person_id, &viewer.overseen_schools]).await?;
    Ok(rows.iter().map(summary).collect())
}

/// The course, if the viewer may see its group.
pub async fn find_visible(
    reader: &mut Reader,
    viewer: &Viewer,
    id: Uuid,
) -> Result<Option<CourseSummary>, Error> {
    let sql = format!(
        "with {VISIBLE_GROUPS}
         select {COLUMNS} from course c {NAMES}
         where c.school_id = any($1) and c.id = $4
           and (c.teacher_id = $2 or (c.school_id, c.group_id) in (select school_id, group_id from visible))"
    );
    let params: [&(dyn shared::pg::ToSql + Sync); 4] =
        [&viewer.schools, &viewer.person_id, &viewer.overseen_schools, &id];
    Ok(reader.query_opt(&sql, &params).await?.as_ref().map(summary))
}

fn summary(row: &Row) -> CourseSummary {
    CourseSummary {
        school_id: row.get(0),
        id: row.get(1),
        subject: row.get(2),
        title: row.get(3),
        group_id: row.get(4),
        group_name: row.get(5),
        teacher_id: row.get(6),
        teacher_name: row.get(7),
    }
}
