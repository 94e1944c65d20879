//! Settles whom a person may see in the directory of a school: personnel sees everybody there, families see personnel and their own.

use shared::context::Context;
use shared::pg::Database;
use shared::session::{Claims, Membership, Role};
use uuid::Uuid;

use crate::error::Error;
use crate::store;
use crate::store::directory::{Entry, Listed, Page, SchoolEntry, Search};

/// How far somebody sees in one school.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// Everybody, and who is whose guardian.
    Everybody,
    /// The personnel, themselves, their children or their guardians.
    PersonnelAndOwn,
}

/// How far somebody with these roles sees in a school; `None` outside their schools.
pub fn sight(memberships: &[Membership], school: Uuid) -> Option<Sight> {
    let mut here = memberships.iter().filter(|membership| membership.school == school).map(|mem| mem.role);
    let first = here.next()?;
    let is_personnel = first.is_staff() || here.any(Role::is_staff);
    Some(if is_personnel { Sight::Everybody } else { Sight::PersonnelAndOwn })
}

/// A school of the caller.
pub async fn school(
    database: &Database,
    context: &Context,
    claims: &Claims,
    school: Uuid,
) -> Result<SchoolEntry, Error> {
    sight(&claims.mem, school).ok_or(Error::SchoolNotFound)?;
    let mut reader = database.read(context).await?;
    store::directory::find_school(&mut reader, school).await?.ok_or(Error::SchoolNotFound)
}

/// A page of the people of a school whom the caller may see.
pub async fn search(
    database: &Database,
    context: &Context,
    claims: &Claims,
    school: Uuid,
    search: &Search,
) -> Result<Page, Error> {
    let sight = sight(&claims.mem, school).ok_or(Error::SchoolNotFound)?;
    let mut reader = database.read(context).await?;
    Ok(store::directory::search(&mut reader, school, sight, claims.sub, search).await?)
}

/// One person as the caller may see them: only the schools that both are in.
pub async fn person(
    database: &Database,
    context: &Context,
    claims: &Claims,
    person: Uuid,
) -> Result<Entry, Error> {
    let mut reader = database.read(context).await?;
    let mut seen: Option<Entry> = None;
    for school in claims.schools() {
        let Some(sight) = sight(&claims.mem, school) else { continue };
        let listed = store::directory::find(&mut reader, school, sight, claims.sub, person).await?;
        let Some(Listed { id, given_name, family_name, roles }) = listed else { continue };
        let family = store::directory::family(&mut reader, school, sight, claims.sub, person).await?;
        let entry = seen.get_or_insert_with(|| Entry { id, given_name, family_name, schools: vec![] });
        entry.schools.push(store::directory::InSchool { school_id: school, roles, family });
    }
    seen.ok_or(Error::PersonNotFound)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(school: u128, role: Role) -> Membership {
        Membership { school: Uuid::from_u128(school), role, epoch: 0 }
    }

    #[test]
    fn one_role_of_personnel_is_enough_and_only_where_it_is_held() {
        let roles = [member(1, Role::Guardian), member(1, Role::Teacher), member(2, Role::Guardian)];
        assert_eq!(sight(&roles, Uuid::from_u128(1)), Some(Sight::Everybody));
        assert_eq!(sight(&roles, Uuid::from_u128(2)), Some(Sight::PersonnelAndOwn));
        assert_eq!(sight(&roles, Uuid::from_u128(3)), None);
    }

    #[test]
    fn every_role_sees_what_it_should() {
        for role in Role::ALL {
            let expected = if role.is_staff() { Sight::Everybody } else { Sight::PersonnelAndOwn };
            assert_eq!(sight(&[member(1, role)], Uuid::from_u128(1)), Some(expected), "{role:?}");
        }
    }
}
