//! Settles which groups pupils are taught in: their class, and teaching groups across the classes of their level.

use std::rc::Rc;

use rand::Rng;
use rand::seq::{IndexedRandom, SliceRandom};
use uuid::Uuid;

use super::families::{Pupil, PupilsByClass};
use super::ids::Ids;
use super::shape::{SchoolKey, SchoolPlan, count};
use super::streams::Dice;
use super::subjects::{self, Offer, Subject};

/// A teaching group larger than this is split.
const LARGEST: usize = 30;

/// A class or a teaching group, with what it is taught.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) id: Uuid,
    pub(super) school: SchoolKey,
    pub(super) is_class: bool,
    pub(super) level: &'static str,
    pub(super) name: String,
    pub(super) pupils: Vec<Rc<Pupil>>,
    pub(super) subjects: Vec<Subject>,
}

/// The groups of `school`: its classes in the plan's order, then the teaching groups of each level.
pub(super) fn of_school(
    school: &SchoolPlan,
    pupils: &mut PupilsByClass,
    ids: &Ids,
    dice: &mut Dice,
) -> Vec<Group> {
    let mut groups = classes(school, pupils);
    for level in school.kind.levels() {
        let of_level: Vec<Rc<Pupil>> = groups
            .iter()
            .filter(|group| group.is_class && group.level == *level)
            .flat_map(|class| class.pupils.iter().cloned())
            .collect();
        for offer in subjects::in_groups(level) {
            for (subject, pupils) in takers(offer, &of_level, dice) {
                groups.extend(split(school.key, level, subject, &pupils, offer.largest()));
            }
        }
    }
    for (number, group) in groups.iter_mut().enumerate() {
        group.id = ids.id("group", format_args!("{}-{number}", school.key.number));
    }
    groups
}

fn classes(school: &SchoolPlan, pupils: &mut PupilsByClass) -> Vec<Group> {
    let class = |(position, plan): (usize, &super::shape::ClassPlan)| Group {
        id: Uuid::nil(),
        school: school.key,
        is_class: true,
        level: plan.level,
        name: plan.name.clone(),
        pupils: pupils.remove(&(school.key, position)).unwrap_or_default(),
        subjects: subjects::of_class(school.kind, plan.level).to_vec(),
    };
    school.classes.iter().enumerate().map(class).collect()
}

impl Offer {
    fn largest(&self) -> usize {
        match self {
            Self::Choice { .. } | Self::Option { .. } => LARGEST,
            Self::Small { size, .. } => *size,
        }
    }
}

/// Who of `pupils` takes which subject of `offer`.
fn takers(offer: &Offer, pupils: &[Rc<Pupil>], dice: &mut Dice) -> Vec<(Subject, Vec<Rc<Pupil>>)> {
    match offer {
        Offer::Choice { picks, among } => choose(*picks, among, pupils, dice),
        Offer::Option { subject, percent } => {
            let takes = |_: &&Rc<Pupil>| dice.random_ratio(*percent, 100);
            vec![(*subject, pupils.iter().filter(takes).cloned().collect())]
        }
        Offer::Small { subject, .. } => {
            let mut pupils = pupils.to_vec();
            pupils.shuffle(dice);
            vec![(*subject, pupils)]
        }
    }
}

/// Lets every pupil draw `picks` different subjects by weight.
fn choose(
    picks: usize,
    among: &[(Subject, u32)],
    pupils: &[Rc<Pupil>],
    dice: &mut Dice,
) -> Vec<(Subject, Vec<Rc<Pupil>>)> {
    let tickets: Vec<usize> = among
        .iter()
        .enumerate()
        .flat_map(|(n, (_, weight))| std::iter::repeat_n(n, count(*weight)))
        .collect();
    let mut takers: Vec<_> = among.iter().map(|(subject, _)| (*subject, Vec::new())).collect();
    for pupil in pupils {
        let mut left = picks;
        while left > 0 {
            let drawn = tickets.choose(dice).and_then(|ticket| takers.get_mut(*ticket));
            let Some((_, list)) = drawn else { break };
            if !list.last().is_some_and(|last| Rc::ptr_eq(last, pupil)) {
                list.push(Rc::clone(pupil));
                left -= 1;
            }
        }
    }
    takers
}

/// The groups of even size that `pupils` make: "4e Latin", or "6e Français, groupe 2" when there are several.
fn split(
    school: SchoolKey,
    level: &'static str,
    subject: Subject,
    pupils: &[Rc<Pupil>],
    largest: usize,
) -> Vec<Group> {
    if pupils.is_empty() {
        return Vec::new();
    }
    let parts = pupils.len().div_ceil(largest);
    let group = |(nth, pupils): (usize, &[Rc<Pupil>])| Group {
        id: Uuid::nil(),
        school,
        is_class: false,
        level,
        name: if parts == 1 {
            format!("{level} {}", subject.name)
        } else {
            format!("{level} {}, groupe {}", subject.name, nth + 1)
        },
        pupils: pupils.to_vec(),
        subjects: vec![subject],
    };
    pupils.chunks(pupils.len().div_ceil(parts)).enumerate().map(group).collect()
}
