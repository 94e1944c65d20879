//! Settles what courses keeps ready: what each viewer may see, what each group has, what each course's page shows.
//!
//! On a surge a class asks thirty times for the same board. With everything on the shelf a home costs no statement, and
//! while the database is away people go on reading what was there, for up to ten minutes and with its age stated.

use std::sync::Arc;
use std::time::Duration;

use chrono::{NaiveDate, TimeDelta};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use shared::ablation::Part;
use shared::cache::{Cache, Cached, LoadFailed, Loaded, Policy, version_of};
use shared::context::Context;
use shared::pg::Database;
use shared::service::Kit;
use uuid::Uuid;

use super::viewer::Viewer;
use crate::store;
use crate::store::course::CourseSummary;
use crate::store::homework::{HomeworkDetail, HomeworkSummary};
use crate::store::student_group::VisibleGroup;

/// Changes are told at once, so age alone matters only where nobody tells (names from the directory, a lost telling).
const POLICY: Policy = Policy {
    fresh: Duration::from_mins(1),
    stale_while_revalidate: Duration::from_mins(1),
    stale_if_error: Duration::from_mins(10),
    negative: Duration::from_secs(10),
};

/// The three kinds of kept answers. Cloning shares them.
#[derive(Clone)]
pub struct Shelf {
    database: Database,
    groups: Cache<Vec<VisibleGroup>>,
    boards: Cache<Board>,
    pages: Cache<Arc<Page>>,
}

/// What a group has.
#[derive(Serialize, Deserialize)]
pub struct Board {
    /// Its courses.
    pub courses: Vec<CourseSummary>,
    /// Their homework due around now, soonest first.
    pub homework: Vec<HomeworkSummary>,
}

/// What everybody sees on the page of a course.
#[derive(Serialize, Deserialize)]
pub struct Page {
    /// The course.
    pub course: CourseSummary,
    /// Its latest homework, last due first.
    pub homework: Vec<HomeworkDetail>,
}

impl Shelf {
    /// Empty shelves on a service's engines.
    pub fn new(kit: &Kit) -> Self {
        Self {
            database: kit.database.clone(),
            groups: cache("groups", kit),
            boards: cache("boards", kit),
            pages: cache("pages", kit),
        }
    }

    /// Starts hearing what other instances change.
    pub fn start_hearing(&self, kit: &Kit) {
        let shelf = self.clone();
        kit.workers.spawn(|stop| shelf.boards.hear(stop));
        let shelf = self.clone();
        kit.workers.spawn(|stop| shelf.pages.hear(stop));
    }

    /// The groups that a viewer may see.
    pub async fn groups(
        &self,
        context: &Context,
        viewer: &Viewer,
    ) -> Result<Cached<Vec<VisibleGroup>>, LoadFailed> {
        let load = |context| load_groups(self.database.clone(), context, viewer.clone());
        let key = viewer.key();
        self.groups.get(context, &key, &key, load).await
    }

    /// What a group has.
    pub async fn board(
        &self,
        context: &Context,
        school_id: Uuid,
        group_id: Uuid,
    ) -> Result<Cached<Board>, LoadFailed> {
        let load = |context| load_board(self.database.clone(), context, school_id, group_id);
        let key = board_tag(school_id, group_id);
        self.boards.get(context, &key, &key, load).await
    }

    /// What everybody sees on the page of a course, if the school has it.
    pub async fn page(
        &self,
        context: &Context,
        school_id: Uuid,
        id: Uuid,
    ) -> Result<Cached<Arc<Page>>, LoadFailed> {
        let load = |context| load_page(self.database.clone(), context, school_id, id);
        let key = page_tag(school_id, id);
        self.pages.get(context, &key, &key, load).await
    }

    /// The tags of what homework in a course changes.
    pub fn tags_of_homework(course: &CourseSummary) -> [String; 2] {
        [board_tag(course.school_id, course.group_id), page_tag(course.school_id, course.id)]
    }

    /// Tells everybody of changes that have been committed.
    pub async fn tell(&self, context: &Context, raised: &[(String, i64)]) {
        for (tag, version) in raised {
            if tag.starts_with("board:") {
                self.boards.invalidate(context, tag, *version).await;
            } else {
                self.pages.invalidate(context, tag, *version).await;
            }
        }
    }
}

fn cache<V: Serialize + DeserializeOwned + Send + Sync + 'static>(name: &'static str, kit: &Kit) -> Cache<V> {
    Cache::new(name, POLICY, kit.cluster.clone(), kit.clock.clone(), kit.engine.clone())
        .ablated(kit.breakers.ablation().removes(Part::Cache))
}

fn board_tag(school_id: Uuid, group_id: Uuid) -> String {
    format!("board:{}:{}", school_id.simple(), group_id.simple())
}

fn page_tag(school_id: Uuid, course_id: Uuid) -> String {
    format!("page:{}:{}", school_id.simple(), course_id.simple())
}

type LoadedOr<V> = Result<Loaded<V>, LoadFailed>;

async fn load_groups(database: Database, context: Context, viewer: Viewer) -> LoadedOr<Vec<VisibleGroup>> {
    let mut reader = database.read(&context).await?;
    let groups = store::student_group::list_visible(&mut reader, &viewer).await?;
    // Nobody tells of enrolments yet: they come with imports, and age within a minute.
    Ok(Loaded { value: Some(groups), version: 0 })
}

async fn load_board(
    database: Database,
    context: Context,
    school_id: Uuid,
    group_id: Uuid,
) -> LoadedOr<Board> {
    let mut reader = database.read(&context).await?;
    let version = version_of(&mut reader, &board_tag(school_id, group_id)).await?;
    let courses = store::course::list_of_group(&mut reader, school_id, group_id).await?;
    let (from, to) = due_span(context.clock().today());
    let homework = store::homework::list_due(&mut reader, school_id, group_id, from, to).await?;
    Ok(Loaded { value: Some(Board { courses, homework }), version })
}

async fn load_page(database: Database, context: Context, school_id: Uuid, id: Uuid) -> LoadedOr<Arc<Page>> {
    let mut reader = database.read(&context).await?;
    let version = version_of(&mut reader, &page_tag(school_id, id)).await?;
    let Some(course) = store::course::find(&mut reader, school_id, id).await? else {
        return Ok(Loaded { value: None, version });
    };
    let homework = store::homework::list_of_course(&mut reader, school_id, id).await?;
    Ok(Loaded { value: Some(Arc::new(Page { course, homework })), version })
}

/// A board outlives midnight, so it holds a day more than a home shows.
fn due_span(today: NaiveDate) -> (NaiveDate, NaiveDate) {
    (today, today + super::home::HORIZON + TimeDelta::days(1))
}
