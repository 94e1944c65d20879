//! Settles what a person finds when they open the courses of their ENT: groups, courses, homework that is due.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use shared::context::Context;
use utoipa::ToSchema;

use super::shelf::{Board, Shelf};
use super::viewer::Viewer;
use crate::error::Error;
use crate::store::course::CourseSummary;
use crate::store::homework::HomeworkSummary;
use crate::store::student_group::{StudentGroup, VisibleGroup};

/// Homework is shown this long before it is due.
pub const HORIZON: TimeDelta = TimeDelta::days(14);
/// Boards that one home fetches at a time: a head's home has seventy.
const BOARDS_AT_ONCE: usize = 4;
/// Most homework on one home.
const MOST_HOMEWORK: usize = 200;

/// A person's courses at a glance.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct Home {
    /// Classes and teaching groups.
    groups: Vec<StudentGroup>,
    /// Courses: those taught for a teacher, those followed for a pupil, the children's for a guardian.
    courses: Vec<CourseSummary>,
    /// Homework of these courses, due today or in the next 14 days, soonest first.
    homework: Vec<HomeworkSummary>,
    /// Seconds since this was true, when it cannot be read anew at the moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    stale_for_s: Option<u64>,
}

/// Put together from what is kept ready.
pub async fn of(shelf: &Shelf, context: &Context, viewer: &Viewer) -> Result<Home, Error> {
    let groups = shelf.groups(context, viewer).await?;
    let mut home = Home::default();
    home.note_age(groups.stale_for);
    let groups = groups.value.unwrap_or_default();
    let fetch = async |group: &VisibleGroup| {
        let board = shelf.board(context, group.group.school_id, group.group.id).await?;
        Ok::<_, Error>((group.clone(), board))
    };
    let boards: Vec<_> =
        stream::iter(groups.iter()).map(fetch).buffered(BOARDS_AT_ONCE).try_collect().await?;
    for (group, board) in boards {
        home.note_age(board.stale_for);
        home.add(context, viewer, group, board.value);
    }
    home.courses.sort_by(|a, b| (&a.group_name, &a.subject).cmp(&(&b.group_name, &b.subject)));
    home.homework.sort_by_key(|homework| (homework.due_on, homework.id));
    home.homework.truncate(MOST_HOMEWORK);
    Ok(home)
}

impl Home {
    /// A teacher's list is what they teach, not all of the groups they teach in; who oversees a school sees its courses,
    /// not two weeks of everybody's homework.
    fn add(&mut self, context: &Context, viewer: &Viewer, group: VisibleGroup, board: Option<Arc<Board>>) {
        let today = context.clock().today();
        let is_own = |teacher_id| !group.is_teacher || teacher_id == viewer.person_id;
        let has_homework = !viewer.overseen_schools.contains(&group.group.school_id);
        if let Some(board) = board {
            let is_due = |item: &&HomeworkSummary| {
                (today..=today + HORIZON).contains(&item.due_on)
                    && is_own(item.teacher_id)
                    && (has_homework || item.teacher_id == viewer.person_id)
            };
            self.courses.extend(board.courses.iter().filter(|course| is_own(course.teacher_id)).cloned());
            self.homework.extend(board.homework.iter().filter(is_due).cloned());
        }
        self.groups.push(group.group);
    }

    fn note_age(&mut self, age: Option<Duration>) {
        self.stale_for_s = self.stale_for_s.max(age.map(|age| age.as_secs()));
    }
}
