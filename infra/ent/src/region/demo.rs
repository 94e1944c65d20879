//! Settles which accounts people are shown to try the demo with: one per role, who know each other and have mail.

use anyhow::Context;
use uuid::Uuid;

use super::courses::TaughtGroup;
use super::people::Person;
use super::staffing::Staff;

/// A pupil (with a sibling in another school, where there is one), a guardian and a teacher of that pupil, and of the
/// same school the head, a local administrator and someone of school life: in this order.
pub(super) fn choose(groups: &[TaughtGroup], staff: &Staff) -> anyhow::Result<Vec<Uuid>> {
    let classes = || groups.iter().filter(|group| group.group.is_class);
    let pupils = || classes().flat_map(|class| class.group.pupils.iter().map(move |pupil| (class, pupil)));
    let (class, pupil) = pupils()
        .find(|(_, pupil)| pupil.spans_schools && pupil.guardians.len() > 1)
        .or_else(|| pupils().next())
        .context("the first school has no pupil")?;
    let groups_of = |teacher: &&Person| {
        groups.iter().filter(|group| group.teachers.iter().any(|other| other.id == teacher.id)).count()
    };
    let teacher = class.teachers.iter().max_by_key(groups_of);
    let chosen = [
        Some(&pupil.person),
        pupil.guardians.first(),
        teacher,
        staff.principals.first(),
        staff.local_admins.first(),
        staff.school_life.first(),
    ];
    chosen.into_iter().map(|person| person.map(|p| p.id).context("the first school lacks a role")).collect()
}
