//! Settles how the people of a school are found: only ever those whom the asker may see, a page at a time.

use serde::Serialize;
use shared::pg::{Error, Reader, Row};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::directory::Sight;

/// A school.
#[derive(Debug, Serialize, ToSchema)]
pub struct SchoolEntry {
    /// The school.
    pub id: Uuid,
    /// Its national code.
    #[schema(example = "0750655E")]
    pub uai: String,
    /// Its name.
    pub name: String,
    /// `college` or `lycee`.
    pub kind: String,
    /// Its academy.
    pub academy: String,
}

/// Somebody in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Listed {
    /// The person.
    pub id: Uuid,
    /// Given name.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
    /// Roles in this school.
    pub roles: Vec<String>,
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page {
    /// In the order of their names.
    pub people: Vec<Listed>,
    /// What to ask for as `after`, where there is more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<Uuid>,
}

/// Somebody, as far as the asker may see.
#[derive(Debug, Serialize, ToSchema)]
pub struct Entry {
    /// The person.
    pub id: Uuid,
    /// Given name.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
    /// The schools that both are in.
    pub schools: Vec<InSchool>,
}

/// What somebody is in a school.
#[derive(Debug, Serialize, ToSchema)]
pub struct InSchool {
    /// The school.
    pub school_id: Uuid,
    /// Roles there.
    pub roles: Vec<String>,
    /// Children or guardians there.
    pub family: Vec<Relative>,
}

/// A child or a guardian.
#[derive(Debug, Serialize, ToSchema)]
pub struct Relative {
    /// The person.
    pub id: Uuid,
    /// Given name.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
    /// `child` or `guardian` of the person who was asked for.
    pub relation: String,
}

/// What is looked for.
#[derive(Debug, Clone)]
pub struct Search {
    /// Part of a name, in any case, with or without accents; empty for everybody.
    pub text: String,
    /// Only people with this role.
    pub role: Option<&'static str>,
    /// The last person of the page before.
    pub after: Option<Uuid>,
    /// People on a page.
    pub limit: u32,
}

/// A name as it is compared: lower case, without the accents of French.
const PLAIN: &str = "translate(lower(p.family_name || ' ' || p.given_name || ' ' || p.family_name),
     'àâäéèêëîïôöùûüÿç', 'aaaeeeeiioouuuyc')";
/// The accents and what they are compared as, for what somebody types.
const ACCENTS: [(&str, char); 7] =
    [("àâä", 'a'), ("éèêë", 'e'), ("îï", 'i'), ("ôö", 'o'), ("ùûü", 'u'), ("ÿ", 'y'), ("ç", 'c')];

/// Whom the asker ($2) may see of the school ($1).
fn visible(sight: Sight) -> &'static str {
    match sight {
        Sight::Everybody => "true",
        Sight::PersonnelAndOwn => {
            "(m.role not in ('Student', 'Guardian') or m.person_id = $2
              or exists (select 1 from guardianship g where g.school_id = $1
                         and (g.student_id, g.guardian_id) in ((m.person_id, $2), ($2, m.person_id))))"
        }
    }
}

/// The school.
pub async fn find_school(reader: &mut Reader, school: Uuid) -> Result<Option<SchoolEntry>, Error> {
    let sql = "select id, uai, name, kind, academy from school where id = $1";
    Ok(reader.query_opt(sql, &[&school]).await?.map(|row| SchoolEntry {
        id: row.get(0),
        uai: row.get(1),
        name: row.get(2),
        kind: row.get(3),
        academy: row.get(4),
    }))
}

/// A page of people, in the order of their names.
pub async fn search(
    reader: &mut Reader,
    school: Uuid,
    sight: Sight,
    asker: Uuid,
    search: &Search,
) -> Result<Page, Error> {
    let sql = format!(
        "select p.id, p.given_name, p.family_name, array_agg(m.role order by m.role)
         from membership m join person p on p.id = m.person_id
         where m.school_id = $1 and $2::uuid is not null and {visible}
           and ($3::text is null or m.role = $3) and ($4 = '' or {PLAIN} like '%' || $4 || '%')
           and ($5::uuid is null
                or (p.family_name, p.given_name, p.id) > (select a.family_name, a.given_name, a.id from person a where a.id = $5))
         group by p.id order by p.family_name, p.given_name, p.id limit $6",
        visible = visible(sight)
    );
    let text = pattern(&search.text);
    let limit = i64::from(search.limit);
    let rows =
        reader.query(&sql, &[&school, &asker, &search.role, &text, &search.after, &(limit + 1)]).await?;
    let mut people: Vec<Listed> = rows.iter().map(listed).collect();
    let has_more = people.len() > usize::try_from(search.limit).unwrap_or(usize::MAX);
    if has_more {
        people.pop();
    }
    let next = people.last().filter(|_| has_more).map(|person| person.id);
    Ok(Page { people, next })
}

/// One person of a school.
pub async fn find(
    reader: &mut Reader,
    school: Uuid,
    sight: Sight,
    asker: Uuid,
    person: Uuid,
) -> Result<Option<Listed>, Error> {
    let sql = format!(
        "select p.id, p.given_name, p.family_name, array_agg(m.role order by m.role)
         from membership m join person p on p.id = m.person_id
         where m.school_id = $1 and $2::uuid is not null and {} and p.id = $3 group by p.id",
        visible(sight)
    );
    Ok(reader.query_opt(&sql, &[&school, &asker, &person]).await?.as_ref().map(listed))
}

/// The children and guardians of a person in a school, as far as the asker may see them.
pub async fn family(
    reader: &mut Reader,
    school: Uuid,
    sight: Sight,
    asker: Uuid,
    person: Uuid,
) -> Result<Vec<Relative>, Error> {
    let sql = "select p.id, p.given_name, p.family_name, case when g.student_id = p.id then 'child' else 'guardian' end
               from guardianship g
               join person p on p.id = case when g.student_id = $2 then g.guardian_id else g.student_id end
               where g.school_id = $1 and $2 in (g.student_id, g.guardian_id)
                 and ($3 or $4 in (g.student_id, g.guardian_id))
               order by p.family_name, p.given_name, p.id";
    let sees_all = sight == Sight::Everybody;
    let rows = reader.query(sql, &[&school, &person, &sees_all, &asker]).await?;
    let relative = |row: &Row| Relative {
        id: row.get(0),
        given_name: row.get(1),
        family_name: row.get(2),
        relation: row.get(3),
    };
    Ok(rows.iter().map(relative).collect())
}

fn listed(row: &Row) -> Listed {
    Listed { id: row.get(0), given_name: row.get(1), family_name: row.get(2), roles: row.get(3) }
}

/// What somebody typed, as names are compared, with nothing in it that `like` reads as a sign.
fn pattern(text: &str) -> String {
    let plain = |letter: char| {
        let found = ACCENTS.iter().find(|(accented, _)| accented.contains(letter));
        found.map_or(letter, |(_, plain)| *plain)
    };
    let mut pattern = String::new();
    for letter in text.trim().to_lowercase().chars().map(plain) {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_compared_without_accents_and_means_itself() {
        assert_eq!(pattern("  Zoé GARÇON "), "zoe garcon");
        assert_eq!(pattern("100%_\\"), "100\\%\\_\\\\");
    }
}
