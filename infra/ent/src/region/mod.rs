//! Settles what demo data `cargo ent seed` loads: a fictional region, generated the same from the same seed and day.
mod correspondence;
mod courses;
mod demo;
mod directory;
mod families;
mod groups;
mod homework;
mod homework_texts;
mod ids;
mod logins;
mod mailer;
mod message_texts;
mod names;
mod passwords;
mod people;
mod shape;
mod staffing;
mod streams;
mod subjects;
#[cfg(test)]
mod tests;
mod times;
mod uai;
mod writer;

use std::collections::BTreeMap;
use std::path::Path;

use chrono::NaiveDate;
use serde::Serialize;
use serde_json::json;
use shared::clock::{Clock, SystemClock};
use uuid::Uuid;

use self::correspondence::{Correspondents, Postbag};
use self::courses::{TaughtGroup, Timetable};
use self::directory::Directory;
use self::families::Registrar;
use self::groups::Group;
use self::homework::Planner;
use self::ids::Ids;
use self::mailer::Mailer;
use self::shape::{SchoolKey, SchoolPlan, Totals};
use self::staffing::Payroll;
use self::streams::{Concern, Dice, dice};
use self::times::Calendar;

/// The services whose tables are written.
const SERVICES: [&str; 3] = ["auth", "courses", "messaging"];

/// The version of the files' layout, which a loader checks.
const FORMAT: u32 = 1;

/// How much is generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Scale {
    /// 2 schools, about 1,500 people, a lively mailbox for everyone.
    Small,
    /// 120 schools, 100,000 accounts.
    Region,
}

/// An account to sign in with: one per role is chosen for people to try.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct DemoAccount {
    pub(crate) login: String,
    pub(crate) password: String,
    /// The person's main role, spelled as in `membership.role`.
    pub(crate) role: &'static str,
    pub(crate) school_uais: Vec<String>,
    /// Base32 without padding; staff have one, pupils and guardians none.
    pub(crate) totp_secret: Option<String>,
    pub(crate) person_name: String,
    /// Of pupils.
    pub(crate) class_name: Option<String>,
}

/// Rows written to one file.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct TableCount {
    /// The service that owns the table.
    pub(crate) service: &'static str,
    pub(crate) table: &'static str,
    pub(crate) rows: u64,
}

/// What was generated.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Summary {
    pub(crate) scale: Scale,
    pub(crate) seed: u64,
    pub(crate) generated_for: chrono::NaiveDate,
    pub(crate) counts: Vec<TableCount>,
    pub(crate) demo_accounts: Vec<DemoAccount>,
}

/// Writes `out/{auth,courses,messaging}/<table>.csv`, a `manifest.json` in each, and the load tests' `accounts` file
/// (mode 0600, the demo accounts first). The result depends on the scale, the seed and the day (UTC), on nothing else.
pub(crate) fn generate(scale: Scale, seed: u64, out: &Path, accounts: &Path) -> anyhow::Result<Summary> {
    generate_for(SystemClock.today(), scale, seed, out, accounts)
}

fn generate_for(
    today: NaiveDate,
    scale: Scale,
    seed: u64,
    out: &Path,
    accounts_path: &Path,
) -> anyhow::Result<Summary> {
    let mut manifests = Vec::new();
    for service in SERVICES {
        manifests.push((service, writer::prepare_folder(out, service)?));
    }
    let ids = Ids::new(scale, seed);
    let mut author = Author::create(Calendar { today }, scale, seed, out, &ids)?;
    for town in shape::towns(scale, seed, &ids) {
        author.write_town(&town)?;
    }
    let (counts, accounts) = author.finish()?;
    accounts.write(accounts_path)?;
    let summary = Summary { scale, seed, generated_for: today, counts, demo_accounts: accounts.demo()? };
    for (service, manifest) in manifests {
        writer::write_json(&manifest, &summary.manifest(service))?;
    }
    Ok(summary)
}

impl Summary {
    /// What `manifest.json` of a service's folder says.
    fn manifest(&self, service: &str) -> serde_json::Value {
        let of_service = self.counts.iter().filter(|count| count.service == service);
        let counts: BTreeMap<&str, u64> = of_service.map(|count| (count.table, count.rows)).collect();
        json!({
            "format": FORMAT,
            "scale": self.scale,
            "seed": self.seed,
            "generated_for": self.generated_for,
            "counts": counts,
        })
    }
}

/// Everything that is being written, and the streams of chance that no part of it owns.
struct Author<'a> {
    ids: &'a Ids,
    directory: Directory<'a>,
    registrar: Registrar,
    payroll: Payroll,
    timetable: Timetable<'a>,
    planner: Planner<'a>,
    postbag: Postbag,
    staffing: Dice,
    grouping: Dice,
    demo: Vec<Uuid>,
}

impl<'a> Author<'a> {
    fn create(calendar: Calendar, scale: Scale, seed: u64, out: &Path, ids: &'a Ids) -> anyhow::Result<Self> {
        let totals = Totals::of(scale);
        let mailer = Mailer::create(out, seed, calendar)?;
        Ok(Self {
            ids,
            directory: Directory::create(out, seed, ids)?,
            registrar: Registrar::new(totals, seed),
            payroll: Payroll::new(totals),
            timetable: Timetable::create(out, ids)?,
            planner: Planner::create(out, scale, seed, calendar, ids)?,
            postbag: Postbag::new(scale, seed, calendar, mailer),
            staffing: dice(seed, Concern::Staffing),
            grouping: dice(seed, Concern::Grouping),
            demo: Vec::new(),
        })
    }

    fn write_town(&mut self, town: &[SchoolPlan]) -> anyhow::Result<()> {
        town.iter().try_for_each(|school| self.directory.add_school(school))?;
        let mut pupils = self.registrar.fill(town, &mut self.directory)?;
        let mut groups: BTreeMap<SchoolKey, Vec<Group>> = BTreeMap::new();
        for school in town {
            let of_school = groups::of_school(school, &mut pupils, self.ids, &mut self.grouping);
            groups.insert(school.key, of_school);
        }
        let (staff, mut rosters) =
            self.payroll.employ(town, &groups, &mut self.directory, &mut self.staffing)?;
        for school in town {
            let of_school = groups.remove(&school.key).unwrap_or_default().into_iter();
            let groups: Vec<TaughtGroup> = of_school
                .map(|group| self.timetable.add_group(group, &mut rosters))
                .collect::<anyhow::Result<_>>()?;
            groups.iter().try_for_each(|group| self.planner.plan(group))?;
            let Some(staff) = staff.get(&school.key) else { continue };
            if self.demo.is_empty() {
                self.demo = demo::choose(&groups, staff)?;
            }
            self.postbag.write(&Correspondents { school, staff, groups: &groups })?;
        }
        Ok(())
    }

    fn finish(self) -> anyhow::Result<(Vec<TableCount>, directory::Accounts)> {
        let (mut counts, accounts) = self.directory.finish(&self.demo)?;
        counts.extend(self.timetable.finish()?);
        counts.push(self.planner.finish()?);
        counts.extend(self.postbag.mailer.finish()?);
        Ok((counts, accounts))
    }
}
