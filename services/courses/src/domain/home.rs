//! Settles what a person finds when they open the courses of their ENT: groups, courses, homework that is due.

use chrono::{NaiveDate, TimeDelta};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use shared::cache::{Cached, Freshness};
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
pub struct Home<'a> {
    /// Classes and teaching groups.
    groups: Vec<&'a StudentGroup>,
    /// Courses: those taught for a teacher, those followed for a pupil, the children's for a guardian.
    courses: Vec<&'a CourseSummary>,
    /// Homework of these courses, due today or in the next 14 days, soonest first.
    homework: Vec<&'a HomeworkSummary>,
    /// Seconds since this was true, when it cannot be read anew at the moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    stale_for_s: Option<u64>,
}

/// What a home is made of, as it is kept ready.
pub struct Parts {
    today: NaiveDate,
    freshness: Freshness,
    groups: Cached<Vec<VisibleGroup>>,
    /// One for each of the groups.
    boards: Vec<Cached<Board>>,
}

/// Fetches what the viewer's home is made of.
pub async fn find(shelf: &Shelf, context: &Context, viewer: &Viewer) -> Result<Parts, Error> {
    let groups = shelf.groups(context, viewer).await?;
    let fetch = async |group: &VisibleGroup| {
        Ok::<_, Error>(shelf.board(context, group.group.school_id, group.group.id).await?)
    };
    let visible = groups.value().into_iter().flatten();
    let boards: Vec<_> = stream::iter(visible).map(fetch).buffered(BOARDS_AT_ONCE).try_collect().await?;
    // A day turns without anybody telling, and what is due turns with it.
    let today = context.clock().today();
    let parts = std::iter::once(groups.freshness).chain(boards.iter().map(|board| board.freshness));
    let freshness = Freshness::of_all(&format!("home {today} {}", viewer.key()), parts);
    Ok(Parts { today, freshness, groups, boards })
}

impl Parts {
    /// Whether a copy of the home is as good.
    pub fn freshness(&self) -> Freshness {
        self.freshness
    }

    /// The home itself.
    pub fn render(&self, viewer: &Viewer) -> Home<'_> {
        let mut home = Home { stale_for_s: self.freshness.stale_for_s(), ..Home::default() };
        for (group, board) in self.groups.value().into_iter().flatten().zip(&self.boards) {
            home.add(self.today, viewer, group, board.value());
        }
        home.courses.sort_by(|a, b| (&a.group_name, &a.subject).cmp(&(&b.group_name, &b.subject)));
        home.homework.sort_by_key(|homework| (homework.due_on, homework.id));
        home.homework.truncate(MOST_HOMEWORK);
        home
    }
}

impl<'a> Home<'a> {
    /// A teacher's list is what they teach, not all of the groups they teach in; who oversees a school sees its courses,
    /// not two weeks of everybody's homework.
    fn add(&mut self, today: NaiveDate, viewer: &Viewer, group: &'a VisibleGroup, board: Option<&'a Board>) {
        let is_own = |teacher_id| !group.is_teacher || teacher_id == viewer.person_id;
        let has_homework = !viewer.overseen_schools.contains(&group.group.school_id);
        if let Some(board) = board {
            let is_due = |item: &&HomeworkSummary| {
                (today..=today + HORIZON).contains(&item.due_on)
                    && is_own(item.teacher_id)
                    && (has_homework || item.teacher_id == viewer.person_id)
            };
            self.courses.extend(board.courses.iter().filter(|course| is_own(course.teacher_id)));
            self.homework.extend(board.homework.iter().filter(is_due));
        }
        self.groups.push(&group.group);
    }
}
