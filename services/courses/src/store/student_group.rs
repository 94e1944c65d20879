//! Settles how classes and teaching groups are read.

use serde::Serialize;
use shared::pg::{Error, Reader};
use utoipa::ToSchema;
use uuid::Uuid;

use super::VISIBLE_GROUPS;
use crate::domain::viewer::Viewer;

/// A class or a teaching group.
#[derive(Debug, Serialize, ToSchema)]
pub struct StudentGroup {
    school_id: Uuid,
    id: Uuid,
    /// `class` or `teaching_group`.
    kind: String,
    /// Such as `3eA`.
    name: String,
    /// Such as `3e`.
    level: String,
}

/// The groups that the viewer may see.
pub async fn list_visible(reader: &mut Reader, viewer: &Viewer) -> Result<Vec<StudentGroup>, Error> {
    let sql = format!(
        "with {VISIBLE_GROUPS}
         select g.school_id, g.id, g.kind, g.name, g.level
         from student_group g join visible v on v.school_id = g.school_id and v.group_id = g.id
         order by g.kind, g.name limit 500"
    );
    let rows = reader.query(&sql, &[&viewer.schools, &viewer.person_id, &viewer.overseen_schools]).await?;
    let group = |row: &shared::pg::Row| StudentGroup {
        school_id: row.get(0),
        id: row.get(1),
        kind: row.get(2),
        name: row.get(3),
        level: row.get(4),
    };
    Ok(rows.iter().map(group).collect())
}
