//! Settles what auth is seeded with: schools, people, their memberships, guardianships and accounts.

use std::collections::HashMap;
use std::path::Path;

use anyhow::Context;
use rand::Rng;
use uuid::Uuid;

use super::ids::{Ids, SOURCE};
use super::logins::Logins;
use super::passwords::{self, Password};
use super::people::{Name, Person, Role};
use super::shape::{SchoolKey, SchoolPlan};
use super::streams::{Concern, Dice, dice};
use super::writer::Table;
use super::{DemoAccount, TableCount, names};

const SERVICE: &str = "auth";

/// The account of a person, as the load tests need to know it.
struct Account {
    person: Person,
    login: String,
    /// Position in the pool.
    password: usize,
    totp_secret: Option<String>,
    schools: Vec<SchoolKey>,
    /// Of pupils, the class that they are in.
    class_name: Option<String>,
}

/// Auth's tables while they are written, and every account so far.
pub(super) struct Directory<'a> {
    ids: &'a Ids,
    credentials: Dice,
    passwords: Vec<Password>,
    logins: Logins,
    accounts: Vec<Account>,
    school: Table,
    person: Table,
    membership: Table,
    guardianship: Table,
    account: Table,
}

impl<'a> Directory<'a> {
    pub(super) fn create(out: &Path, seed: u64, ids: &'a Ids) -> anyhow::Result<Self> {
        let mut credentials = dice(seed, Concern::Credentials);
        let table = |name, columns: &[&'static str]| Table::create(out, SERVICE, name, columns);
        Ok(Self {
            ids,
            passwords: passwords::pool(&mut credentials)?,
            credentials,
            logins: Logins::default(),
            accounts: Vec::new(),
            school: table("school", &["id", "uai", "name", "kind", "academy"])?,
            person: table("person", &["id", "source", "source_id", "given_name", "family_name"])?,
            membership: table("membership", &["school_id", "person_id", "role"])?,
            guardianship: table("guardianship", &["school_id", "student_id", "guardian_id"])?,
            account: table("account", &["person_id", "login", "password_hash", "totp_secret", "is_demo"])?,
        })
    }

    pub(super) fn add_school(&mut self, school: &SchoolPlan) -> anyhow::Result<()> {
        let (id, uai) = (school.key.id.to_string(), school.key.uai());
        self.school.row(&[&id, &uai, &school.name, school.kind.as_str(), names::ACADEMY])
    }

    /// Writes an adult with a membership in each of `schools` and an account.
    pub(super) fn add_adult(
        &mut self,
        role: Role,
        name: Name,
        schools: &[SchoolKey],
    ) -> anyhow::Result<Person> {
        self.add_person(role, name, schools, None)
    }

    /// Writes a pupil of a class with a membership in `school` and an account.
    pub(super) fn add_pupil(
        &mut self,
        name: Name,
        school: SchoolKey,
        class_name: &str,
    ) -> anyhow::Result<Person> {
        self.add_person(Role::Student, name, &[school], Some(class_name))
    }

    fn add_person(
        &mut self,
        role: Role,
        name: Name,
        schools: &[SchoolKey],
        class_name: Option<&str>,
    ) -> anyhow::Result<Person> {
        let (id, source_id) = self.ids.numbered("person", self.accounts.len());
        let person = Person { id, role, name };
        let id = id.to_string();
        self.person.row(&[&id, SOURCE, &source_id, name.given, name.family])?;
        for school in schools {
            self.membership.row(&[&school.id.to_string(), &id, role.as_str()])?;
        }
        self.add_account(person, schools, class_name)?;
        Ok(person)
    }

    pub(super) fn add_guardianship(
        &mut self,
        school: SchoolKey,
        student: &Person,
        guardian: &Person,
    ) -> anyhow::Result<()> {
        self.guardianship.row(&[&school.id.to_string(), &student.id.to_string(), &guardian.id.to_string()])
    }

    fn add_account(
        &mut self,
        person: Person,
        schools: &[SchoolKey],
        class_name: Option<&str>,
    ) -> anyhow::Result<()> {
        let login = self.logins.next(&person.name);
        let password = self.credentials.random_range(0..self.passwords.len());
        let totp_secret = person.role.has_totp().then(|| passwords::totp_secret(&mut self.credentials));
        let hash = &self.passwords.get(password).context("the pool has no such password")?.hash;
        let secret = totp_secret.as_deref().unwrap_or("");
        self.account.row(&[&person.id.to_string(), &login, hash, secret, "true"])?;
        let (schools, class_name) = (schools.to_vec(), class_name.map(str::to_owned));
        self.accounts.push(Account { person, login, password, totp_secret, schools, class_name });
        Ok(())
    }

    /// Finishes the tables; what is left is every account, those of `first` before the others.
    pub(super) fn finish(self, first: &[Uuid]) -> anyhow::Result<(Vec<TableCount>, Accounts)> {
        let tables = [self.school, self.person, self.membership, self.guardianship, self.account];
        let counts = tables.into_iter().map(Table::finish).collect::<anyhow::Result<_>>()?;
        let ranks: HashMap<&Uuid, usize> = first.iter().zip(0..).collect();
        let mut accounts = self.accounts;
        accounts.sort_by_key(|account| ranks.get(&account.person.id).copied().unwrap_or(first.len()));
        Ok((counts, Accounts { all: accounts, passwords: self.passwords, demo: first.len() }))
    }
}

/// Every account with its credentials, for those who sign in: people who try it, and the load tests.
pub(super) struct Accounts {
    all: Vec<Account>,
    passwords: Vec<Password>,
    demo: usize,
}

impl Accounts {
    /// The chosen accounts, in the order in which they were named.
    pub(super) fn demo(&self) -> anyhow::Result<Vec<DemoAccount>> {
        self.all.iter().take(self.demo).map(|account| self.published(account)).collect()
    }

    /// Writes the load tests' file.
    pub(super) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let columns =
            ["login", "password", "role", "school_uais", "totp_secret", "person_name", "class_name"];
        let mut table = Table::create_at(path, "loadtests", "accounts", &columns)?;
        for account in &self.all {
            let account = self.published(account)?;
            let secret = account.totp_secret.as_deref().unwrap_or("");
            let schools = account.school_uais.join(";");
            table.row(&[
                &account.login,
                &account.password,
                account.role,
                &schools,
                secret,
                &account.person_name,
                account.class_name.as_deref().unwrap_or(""),
            ])?;
        }
        table.finish().map(drop)
    }

    fn published(&self, account: &Account) -> anyhow::Result<DemoAccount> {
        let password = self.passwords.get(account.password).context("the pool has no such password")?;
        Ok(DemoAccount {
            login: account.login.clone(),
            password: password.plain.clone(),
            role: account.person.role.as_str(),
            school_uais: account.schools.iter().map(|school| school.uai()).collect(),
            totp_secret: account.totp_secret.clone(),
            person_name: account.person.full_name(),
            class_name: account.class_name.clone(),
        })
    }
}
