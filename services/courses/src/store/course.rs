//! Settles how courses are read.

use serde::{Deserialize, Serialize};
use shared::pg::{Error, Reader, Row};
use utoipa::ToSchema;
use uuid::Uuid;

/// A course in a list.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
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

/// The courses of a group.
pub async fn list_of_group(
    reader: &mut Reader,
    school_id: Uuid,
    group_id: Uuid,
) -> Result<Vec<CourseSummary>, Error> {
    let sql = format!(
        "select {COLUMNS} from course c {NAMES} where c.school_id = $1 and c.group_id = $2 order by c.subject"
    );
    let rows = reader.query(&sql, &[&school_id, &group_id]).await?;
    Ok(rows.iter().map(summary).collect())
}

/// The course, if the school has it.
pub async fn find(reader: &mut Reader, school_id: Uuid, id: Uuid) -> Result<Option<CourseSummary>, Error> {
    let sql = format!("select {COLUMNS} from course c {NAMES} where c.school_id = $1 and c.id = $2");
    Ok(reader.query_opt(&sql, &[&school_id, &id]).await?.as_ref().map(summary))
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
