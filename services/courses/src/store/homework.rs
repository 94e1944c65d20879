//! Settles how homework is kept and read.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use shared::pg::{Error, Reader, Row, Transaction};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{OWN_COURSES, VISIBLE_GROUPS};
use crate::domain::viewer::Viewer;

/// Homework in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct HomeworkSummary {
    id: Uuid,
    course_id: Uuid,
    title: String,
    due_on: NaiveDate,
}

/// Homework on the page of its course.
#[derive(Debug, Serialize, ToSchema)]
pub struct HomeworkDetail {
    id: Uuid,
    title: String,
    instructions: String,
    due_on: NaiveDate,
    given_at: DateTime<Utc>,
}

/// A row to be.
pub struct NewHomework {
    /// The school.
    pub school_id: Uuid,
    /// The homework.
    pub id: Uuid,
    /// The course.
    pub course_id: Uuid,
    /// In a few words.
    pub title: String,
    /// What to do.
    pub instructions: String,
    /// When it is due.
    pub due_on: NaiveDate,
    /// The teacher.
    pub given_by: Uuid,
    /// When it was given.
    pub given_at: DateTime<Utc>,
}

/// Homework of the viewer's own courses that is due in a span of days, soonest first.
pub async fn list_due(
    reader: &mut Reader,
    viewer: &Viewer,
    from: NaiveDate,
    to: NaiveDate,
) -> Result<Vec<HomeworkSummary>, Error> {
    // Those who oversee a school see its courses, not two weeks of everybody's homework: $3 is compared, not expanded.
    let sql = format!(
        "with {VISIBLE_GROUPS}, {OWN_COURSES}
         select h.id, h.course_id, h.title, h.due_on
         from homework h join own c on c.school_id = h.school_id and c.id = h.course_id
         where h.due_on between $4 and $5 and (c.teacher_id = $2 or h.school_id <> all($3))
         order by h.due_on, h.id limit 200"
    );
    let params: [&(dyn shared::pg::ToSql + Sync); 5] =
        [&viewer.schools, &viewer.person_id, &viewer.overseen_schools, &from, &to];
    let rows = reader.query(&sql, &params).await?;
    let summary = |row: &Row| HomeworkSummary {
        id: row.get(0),
        course_id: row.get(1),
        title: row.get(2),
        due_on: row.get(3),
    };
    Ok(rows.iter().map(summary).collect())
}

/// The latest homework of a course, last due first.
pub async fn list_of_course(
    reader: &mut Reader,
    school_id: Uuid,
    course_id: Uuid,
) -> Result<Vec<HomeworkDetail>, Error> {
    let sql = "select id, title, instructions, due_on, given_at from homework
               where school_id = $1 and course_id = $2 order by due_on desc, id desc limit 50";
    let rows = reader.query(sql, &[&school_id, &course_id]).await?;
    let detail = |row: &Row| HomeworkDetail {
        id: row.get(0),
        title: row.get(1),
        instructions: row.get(2),
        due_on: row.get(3),
        given_at: row.get(4),
    };
    Ok(rows.iter().map(detail).collect())
}

/// Keeps new homework.
pub async fn insert(transaction: &mut Transaction, new: &NewHomework) -> Result<(), Error> {
    let sql =
        "insert into homework (school_id, id, course_id, title, instructions, due_on, given_by, given_at)
               values ($1, $2, $3, $4, $5, $6, $7, $8)";
    let params: [&(dyn shared::pg::ToSql + Sync); 8] = [
        &new.school_id,
        &new.id,
        &new.course_id,
        &new.title,
        &new.instructions,
        &new.due_on,
        &new.given_by,
        &new.given_at,
    ];
    transaction.execute(sql, &params).await.map(|_| ())
}
