//! Settles how classes and teaching groups are read.

use serde::{Deserialize, Serialize};
use shared::pg::{Error, Reader, Row};
use utoipa::ToSchema;
use uuid::Uuid;

use super::VISIBLE_GROUPS;
use crate::domain::viewer::Viewer;

/// A class or a teaching group.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct StudentGroup {
    /// The school.
    pub school_id: Uuid,
    /// The group.
    pub id: Uuid,
    /// `class` or `teaching_group`.
    kind: String,
    /// Such as `3eA`.
    name: String,
    /// Such as `3e`.
    level: String,
}

/// A group that a viewer may see.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VisibleGroup {
    /// The group.
    pub group: StudentGroup,
    /// Whether the viewer teaches in it.
    pub is_teacher: bool,
}

/// The groups that the viewer may see.
pub async fn list_visible(reader: &mut Reader, viewer: &Viewer) -> Result<Vec<VisibleGroup>, Error> {
    let sql = format!(
        "with {VISIBLE_GROUPS}
         select g.school_id, g.id, g.kind, g.name, g.level, exists (
             select 1 from enrolment e
             where e.school_id = g.school_id and e.group_id = g.id and e.person_id = $2 and e.part = 'teacher')
         from student_group g join visible v on v.school_id = g.school_id and v.group_id = g.id
         order by g.kind, g.name limit 500"
    );
    let rows = reader.query(&sql, &[&viewer.schools, &viewer.person_id, &viewer.overseen_schools]).await?;
    let group = |row: &Row| VisibleGroup {
        group: StudentGroup {
            school_id: row.get(0),
            id: row.get(1),
            kind: row.get(2),
            name: row.get(3),
            level: row.get(4),
        },
        is_teacher: row.get(5),
    };
    Ok(rows.iter().map(group).collect())
}
