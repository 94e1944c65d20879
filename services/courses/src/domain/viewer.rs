//! Settles what a person may see: their own groups, their children's, and every group of a school whose life they are responsible for.

use shared::session::{Claims, Role};
use uuid::Uuid;

/// Roles that see every group of their school.
const OVERSEERS: [Role; 2] = [Role::Principal, Role::SchoolLife];

/// A caller as the statements of this service ask after them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Viewer {
    /// The person.
    pub person_id: Uuid,
    /// Schools they belong to in any role.
    pub schools: Vec<Uuid>,
    /// Schools where they see every group.
    pub overseen_schools: Vec<Uuid>,
}

impl Viewer {
    /// The viewer that a token describes.
    pub fn of(claims: &Claims) -> Self {
        let schools = claims.schools();
        let overseen_schools =
            schools.iter().copied().filter(|school| claims.has_role(*school, &OVERSEERS)).collect();
        Self { person_id: claims.sub, schools, overseen_schools }
    }

    /// Names what the viewer may see: the person and the schools, since roles change what one sees.
    pub fn key(&self) -> String {
        let schools = self.schools.iter().map(|school| {
            let mark = if self.overseen_schools.contains(school) { "!" } else { "" };
            format!(":{}{mark}", school.simple())
        });
        format!("viewer:{}{}", self.person_id.simple(), schools.collect::<String>())
    }
}
