//! Settles how people are read.

use serde::Serialize;
use shared::pg::{Error, Reader};
use utoipa::ToSchema;
use uuid::Uuid;

/// A person as they see themselves.
#[derive(Debug, Serialize, ToSchema)]
pub struct Profile {
    /// The person.
    pub id: Uuid,
    /// Given name.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
    /// Roles in schools.
    pub memberships: Vec<NamedMembership>,
}

/// A role in a school, with the school's name.
#[derive(Debug, Serialize, ToSchema)]
pub struct NamedMembership {
    /// The school.
    pub school_id: Uuid,
    /// UAI code of the school.
    pub uai: String,
    /// Name of the school.
    pub school_name: String,
    /// The role.
    pub role: String,
}

/// The person with their roles.
pub async fn find_profile(reader: &mut Reader, person_id: Uuid) -> Result<Option<Profile>, Error> {
    let sql = "select p.given_name, p.family_name, m.school_id, s.uai, s.name, m.role
               from person p
               left join membership m on m.person_id = p.id
               left join school s on s.id = m.school_id
               where p.id = $1 order by s.name, m.role";
    let rows = reader.query(sql, &[&person_id]).await?;
    let Some(first) = rows.first() else { return Ok(None) };
    let memberships = rows.iter().filter_map(|row| {
        let school_id: Option<Uuid> = row.get(2);
        Some(NamedMembership {
            school_id: school_id?,
            uai: row.get(3),
            school_name: row.get(4),
            role: row.get(5),
        })
    });
    Ok(Some(Profile {
        id: person_id,
        given_name: first.get(0),
        family_name: first.get(1),
        memberships: memberships.collect(),
    }))
}
