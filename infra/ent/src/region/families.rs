//! Settles who belongs to whom: the families of a town, with children in one or several of its schools.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use rand::seq::SliceRandom;

use super::directory::Directory;
use super::people::{Name, Person, Role};
use super::shape::{SchoolKey, SchoolPlan, Totals, count};
use super::streams::{Concern, Dice, dice};

/// Of 1,000 pupils, the families: 8 % of the families have more than one child at school here. With 60 guardians for
/// 34 pupils, that leaves 8 % of the families with one guardian.
const FAMILIES_PER_1000_PUPILS: u32 = 919;

/// One family in so many with several children has three.
const THREE_CHILDREN_ONE_IN: usize = 12;

/// A pupil and those who answer for the pupil.
#[derive(Debug)]
pub(super) struct Pupil {
    pub(super) person: Person,
    pub(super) guardians: Vec<Person>,
    /// Whether the first guardian has children in several schools.
    pub(super) spans_schools: bool,
}

/// The pupils of a school, by position of their class in the school's plan.
pub(super) type PupilsByClass = BTreeMap<(SchoolKey, usize), Vec<Rc<Pupil>>>;

/// A place in a class.
#[derive(Clone, Copy)]
struct Seat<'a> {
    school: SchoolKey,
    class: usize,
    class_name: &'a str,
}

/// Fills the classes of one town after another.
pub(super) struct Registrar {
    dice: Dice,
    totals: Totals,
    pupils_so_far: u32,
    guardians_so_far: u32,
}

impl Registrar {
    pub(super) fn new(totals: Totals, seed: u64) -> Self {
        Self { dice: dice(seed, Concern::People), totals, pupils_so_far: 0, guardians_so_far: 0 }
    }

    /// Writes the pupils and guardians of `town`.
    pub(super) fn fill(
        &mut self,
        town: &[SchoolPlan],
        directory: &mut Directory,
    ) -> anyhow::Result<PupilsByClass> {
        let mut seats: Vec<Seat> = town.iter().flat_map(seats_of).collect();
        seats.shuffle(&mut self.dice);
        let guardians = self.guardians_due(seats.len());
        let families = seats.len() * count(FAMILIES_PER_1000_PUPILS) / 1000;
        let mut children = sizes(families, seats.len() - families);
        children.shuffle(&mut self.dice);
        let mut pupils = PupilsByClass::new();
        // The first families have two guardians: the number of children was shuffled, so this favours nobody.
        let mut couples = guardians.saturating_sub(families);
        for number_of_children in children {
            let their_seats = seats.split_off(seats.len().saturating_sub(number_of_children));
            self.add_family(&their_seats, couples > 0, directory, &mut pupils)?;
            couples = couples.saturating_sub(1);
        }
        Ok(pupils)
    }

    /// How many guardians the next `pupils` pupils bring, so that the region's total comes out exact.
    fn guardians_due(&mut self, pupils: usize) -> usize {
        self.pupils_so_far += u32::try_from(pupils).unwrap_or(u32::MAX);
        let all =
            u64::from(self.totals.guardians) * u64::from(self.pupils_so_far) / u64::from(self.totals.pupils);
        let all = u32::try_from(all).unwrap_or(u32::MAX);
        let due = all - self.guardians_so_far;
        self.guardians_so_far = all;
        count(due)
    }

    fn add_family(
        &mut self,
        seats: &[Seat],
        is_couple: bool,
        directory: &mut Directory,
        pupils: &mut PupilsByClass,
    ) -> anyhow::Result<()> {
        let schools: Vec<SchoolKey> =
            seats.iter().map(|seat| seat.school).collect::<BTreeSet<_>>().into_iter().collect();
        let first = Name::adult(&mut self.dice);
        let mut guardians = vec![directory.add_adult(Role::Guardian, first, &schools)?];
        if is_couple {
            guardians.push(directory.add_adult(Role::Guardian, first.partner(&mut self.dice), &schools)?);
        }
        for seat in seats {
            let name = Name::child(first.family, &mut self.dice);
            let person = directory.add_pupil(name, seat.school, seat.class_name)?;
            for guardian in &guardians {
                directory.add_guardianship(seat.school, &person, guardian)?;
            }
            let pupil = Pupil { person, guardians: guardians.clone(), spans_schools: schools.len() > 1 };
            pupils.entry((seat.school, seat.class)).or_default().push(Rc::new(pupil));
        }
        Ok(())
    }
}

fn seats_of(school: &SchoolPlan) -> impl Iterator<Item = Seat<'_>> {
    school.classes.iter().enumerate().flat_map(|(class, plan)| {
        std::iter::repeat_n(Seat { school: school.key, class, class_name: &plan.name }, count(plan.pupils))
    })
}

/// How many children each of `families` has, so that there are `siblings` more children than families.
fn sizes(families: usize, siblings: usize) -> Vec<usize> {
    let threes = siblings / THREE_CHILDREN_ONE_IN;
    let twos = siblings - 2 * threes;
    let ones = families - threes - twos;
    [(3, threes), (2, twos), (1, ones)]
        .into_iter()
        .flat_map(|(size, n)| std::iter::repeat_n(size, n))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::sizes;

    #[test]
    fn families_hold_all_children() {
        let sizes = sizes(780, 69);
        assert_eq!(sizes.len(), 780);
        assert_eq!(sizes.iter().sum::<usize>(), 849);
        assert!(sizes.contains(&3));
    }
}
