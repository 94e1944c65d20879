//! Settles who works in the schools of a town: so many of each role, teachers by discipline, some of them in two schools.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::directory::Directory;
use super::groups::Group;
use super::people::{Name, Person, Role};
use super::shape::{SchoolKey, SchoolPlan, Totals, count};
use super::streams::Dice;
use super::subjects::Discipline;

/// One teacher in so many is lent to the next school of the town.
const TEACHERS_PER_GUEST: usize = 12;

/// The teachers of each discipline of each school; the next to be given a group is in front.
pub(super) type Rosters = BTreeMap<(SchoolKey, Discipline), VecDeque<Person>>;

/// The staff of a school.
#[derive(Debug, Default)]
pub(super) struct Staff {
    /// The head first, then the deputies.
    pub(super) principals: Vec<Person>,
    pub(super) local_admins: Vec<Person>,
    pub(super) school_life: Vec<Person>,
    pub(super) others: Vec<Person>,
    /// Those of other schools of the town who also teach here included.
    pub(super) teachers: Vec<Person>,
}

/// How many of each role a school of `staff` people employs.
#[derive(Clone, Copy, Debug)]
struct Posts {
    principals: usize,
    local_admins: usize,
    school_life: usize,
    others: usize,
    teachers: usize,
}

impl Posts {
    fn of(staff: usize) -> Self {
        let local_admins = if staff < 45 { 1 } else { 2 };
        let (principals, school_life, others) = (3, staff / 8, staff / 7);
        let teachers = staff.saturating_sub(principals + local_admins + school_life + others);
        Self { principals, local_admins, school_life, others, teachers }
    }
}

/// Shares the region's staff out in proportion to pupils, so that the total comes out exact.
pub(super) struct Payroll {
    totals: Totals,
    pupils_so_far: u32,
    staff_so_far: u32,
}

impl Payroll {
    pub(super) fn new(totals: Totals) -> Self {
        Self { totals, pupils_so_far: 0, staff_so_far: 0 }
    }

    fn posts(&mut self, school: &SchoolPlan) -> Posts {
        self.pupils_so_far += school.pupils();
        let all = self.totals.staff * self.pupils_so_far / self.totals.pupils;
        let due = all - self.staff_so_far;
        self.staff_so_far = all;
        Posts::of(count(due))
    }

    /// Writes the staff of `town`, whose schools are taught in `groups`.
    pub(super) fn employ(
        &mut self,
        town: &[SchoolPlan],
        groups: &BTreeMap<SchoolKey, Vec<Group>>,
        directory: &mut Directory,
        dice: &mut Dice,
    ) -> anyhow::Result<(BTreeMap<SchoolKey, Staff>, Rosters)> {
        let mut staff = BTreeMap::new();
        let mut demands = Vec::new();
        for school in town {
            let posts = self.posts(school);
            let needs = groups.get(&school.key).map(|groups| needs(groups)).unwrap_or_default();
            demands.push(Demand { school: school.key, posts: shares(&needs, posts.teachers), needs });
            staff.insert(school.key, others(school.key, posts, directory, dice)?);
        }
        let rosters = teachers(&demands, directory, dice)?;
        for ((school, _), roster) in &rosters {
            staff.entry(*school).or_default().teachers.extend(roster);
        }
        Ok((staff, rosters))
    }
}

/// How many groups of a school need a teacher of each discipline, and how many teachers it has for them.
struct Demand {
    school: SchoolKey,
    needs: BTreeMap<Discipline, usize>,
    posts: BTreeMap<Discipline, usize>,
}

fn needs(groups: &[Group]) -> BTreeMap<Discipline, usize> {
    let mut needs = BTreeMap::new();
    for group in groups {
        let disciplines: BTreeSet<Discipline> = group.subjects.iter().map(|s| s.discipline).collect();
        for discipline in disciplines {
            *needs.entry(discipline).or_insert(0) += 1;
        }
    }
    needs
}

/// One post for every discipline that is taught, the rest to whoever has the most groups per post (D'Hondt).
fn shares(needs: &BTreeMap<Discipline, usize>, teachers: usize) -> BTreeMap<Discipline, usize> {
    let mut posts: BTreeMap<Discipline, usize> = needs.keys().map(|discipline| (*discipline, 1)).collect();
    for _ in posts.len()..teachers {
        // Load with one more post, in thousandths so that integers compare.
        let load =
            |(d, posts): &(&Discipline, &mut usize)| needs.get(*d).unwrap_or(&0) * 1000 / (**posts + 1);
        if let Some((_, post)) = posts.iter_mut().max_by_key(load) {
            *post += 1;
        }
    }
    posts
}

fn others(
    school: SchoolKey,
    posts: Posts,
    directory: &mut Directory,
    dice: &mut Dice,
) -> anyhow::Result<Staff> {
    let mut hire = |role, posts| -> anyhow::Result<Vec<Person>> {
        (0..posts).map(|_| directory.add_adult(role, Name::adult(dice), &[school])).collect()
    };
    Ok(Staff {
        principals: hire(Role::Principal, posts.principals)?,
        local_admins: hire(Role::LocalAdmin, posts.local_admins)?,
        school_life: hire(Role::SchoolLife, posts.school_life)?,
        others: hire(Role::Staff, posts.others)?,
        teachers: Vec::new(),
    })
}

fn teachers(demands: &[Demand], directory: &mut Directory, dice: &mut Dice) -> anyhow::Result<Rosters> {
    let loans = loans(demands);
    let mut rosters = Rosters::new();
    for demand in demands {
        for (discipline, posts) in &demand.posts {
            let key = (demand.school, *discipline);
            for nth in 0..*posts {
                let borrower = loans.get(&key).filter(|_| nth == 0);
                let schools: Vec<SchoolKey> =
                    std::iter::once(demand.school).chain(borrower.copied()).collect();
                let teacher = directory.add_adult(Role::Teacher, Name::adult(dice), &schools)?;
                for school in schools {
                    rosters.entry((school, *discipline)).or_default().push_back(teacher);
                }
            }
        }
    }
    Ok(rosters)
}

/// Which school borrows a teacher of which school and discipline: from its neighbour, where its own teachers have most to do.
fn loans(demands: &[Demand]) -> BTreeMap<(SchoolKey, Discipline), SchoolKey> {
    let neighbours = demands.iter().cycle().skip(1);
    let mut loans = BTreeMap::new();
    for (borrower, lender) in demands.iter().zip(neighbours) {
        let mut wanted: Vec<(usize, Discipline)> = borrower
            .posts
            .iter()
            .filter(|(discipline, _)| lender.posts.contains_key(discipline))
            .map(|(d, posts)| (borrower.needs.get(d).unwrap_or(&0) * 1000 / posts, *d))
            .collect();
        wanted.sort_unstable_by(|a, b| b.cmp(a));
        let guests = borrower.posts.values().sum::<usize>().div_ceil(TEACHERS_PER_GUEST);
        for (_, discipline) in wanted.into_iter().take(guests) {
            loans.insert((lender.school, discipline), borrower.school);
        }
    }
    loans
}
