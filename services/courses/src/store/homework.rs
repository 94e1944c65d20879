//! Settles how homework is kept and read.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use shared::pg::{Error, Reader, Row, Transaction};
use utoipa::ToSchema;
use uuid::Uuid;

/// Homework in a list.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct HomeworkSummary {
    /// The homework.
    pub id: Uuid,
    course_id: Uuid,
    title: String,
    /// When it is due.
    pub due_on: NaiveDate,
    /// Who teaches the course.
    pub teacher_id: Uuid,
}

/// Homework on the page of its course.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
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

/// Homework of a group's courses that is due in a span of days, soonest first.
pub async fn list_due(
    reader: &mut Reader,
    school_id: Uuid,
    group_id: Uuid,
    from: NaiveDate,
    to: NaiveDate,
) -> Result<Vec<HomeworkSummary>, Error> {
    let sql = "select h.id, h.course_id, h.title, h.due_on, c.teacher_id
               from homework h join course c on c.school_id = h.school_id and c.id = h.course_id
               where c.school_id = $1 and c.group_id = $2 and h.due_on between $3 and $4
               order by h.due_on, h.id limit 200";
    let rows = reader.query(sql, &[&school_id, &group_id, &from, &to]).await?;
    let summary = |row: &Row| HomeworkSummary {
        id: row.get(0),
        course_id: row.get(1),
        title: row.get(2),
        due_on: row.get(3),
        teacher_id: row.get(4),
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
