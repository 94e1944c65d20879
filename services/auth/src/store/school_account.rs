//! Settles how the accounts of a school are listed, held fast while one is administered, and blocked.

use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::pg::{Error, Reader, Row, Transaction};
use shared::session::Role;
use utoipa::ToSchema;
use uuid::Uuid;

/// What an account is worth at the moment; the first that is true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccountState {
    /// An administrator has closed it.
    Blocked,
    /// It was taken over: locked until a printed code opens it.
    Contained,
    /// Its password opens nothing until another is set.
    MustReset,
    /// Nobody has set its first password.
    NotActivated,
    /// In use.
    Active,
}

impl AccountState {
    const ALL: [Self; 5] =
        [Self::Blocked, Self::Contained, Self::MustReset, Self::NotActivated, Self::Active];

    /// The name in answers and statements.
    pub fn name(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::Contained => "contained",
            Self::MustReset => "must_reset",
            Self::NotActivated => "not_activated",
            Self::Active => "active",
        }
    }

    fn parse(name: &str) -> Self {
        Self::ALL.into_iter().find(|state| state.name() == name).unwrap_or(Self::Blocked)
    }
}

/// An account of a school, as its administrators see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct SchoolAccount {
    /// The person.
    pub person_id: Uuid,
    /// Given name.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
    /// What they sign in with.
    #[schema(example = "camille.martin")]
    pub login: String,
    /// Roles in this school.
    pub roles: Vec<String>,
    /// What the account is worth.
    pub state: AccountState,
    /// When somebody signed in last; absent when nobody has since this is written down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_sign_in_at: Option<DateTime<Utc>>,
}

/// A page of accounts.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountPage {
    /// In the order of their names.
    pub accounts: Vec<SchoolAccount>,
    /// What to ask for as `after`, where there is more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<Uuid>,
}

/// What is looked for.
#[derive(Debug, Clone)]
pub struct Filter {
    /// Only accounts with this role.
    pub role: Option<Role>,
    /// Only accounts in this state.
    pub state: Option<AccountState>,
    /// The last person of the page before.
    pub after: Option<Uuid>,
    /// Accounts on a page.
    pub limit: u32,
}

const STATE: &str =
    "case when a.blocked_at is not null then 'blocked' when a.locked_at is not null then 'contained'
     when a.reset_forced_at is not null then 'must_reset' when a.password_hash is null then 'not_activated'
     else 'active' end";
const COLUMNS: &str = "p.id, p.given_name, p.family_name, a.login,
     array(select r.role from membership r where r.school_id = $1 and r.person_id = p.id order by r.role), l.at";
const FROM: &str =
    "from membership m join person p on p.id = m.person_id join account a on a.person_id = p.id
     left join last_sign_in l on l.person_id = p.id where m.school_id = $1";

/// A page of the accounts of a school, in the order of names.
pub async fn list(reader: &mut Reader, school: Uuid, filter: &Filter) -> Result<AccountPage, Error> {
    let sql = format!(
        "select distinct {COLUMNS}, {STATE} {FROM}
           and ($2::text is null or m.role = $2) and ($3::text is null or {STATE} = $3)
           and ($4::uuid is null
                or (p.family_name, p.given_name, p.id) > (select o.family_name, o.given_name, o.id from person o where o.id = $4))
         order by p.family_name, p.given_name, p.id limit $5"
    );
    let (role, state) = (filter.role.map(Role::name), filter.state.map(AccountState::name));
    let limit = i64::from(filter.limit);
    let rows = reader.query(&sql, &[&school, &role, &state, &filter.after, &(limit + 1)]).await?;
    let mut accounts: Vec<SchoolAccount> = rows.iter().map(account).collect();
    let has_more = accounts.len() > usize::try_from(filter.limit).unwrap_or(usize::MAX);
    if has_more {
        accounts.pop();
    }
    let next = accounts.last().filter(|_| has_more).map(|account| account.person_id);
    Ok(AccountPage { accounts, next })
}

/// One account of a school.
pub async fn find(reader: &mut Reader, school: Uuid, person: Uuid) -> Result<Option<SchoolAccount>, Error> {
    let sql = format!("select distinct {COLUMNS}, {STATE} {FROM} and p.id = $2");
    Ok(reader.query_opt(&sql, &[&school, &person]).await?.as_ref().map(account))
}

/// Holds the row of an account of somebody of these schools until the end of the transaction. Whether it is an administrator's,
/// of whichever school; `None` when there is no such account.
pub async fn lock(
    transaction: &mut Transaction,
    schools: &[Uuid],
    person: Uuid,
) -> Result<Option<bool>, Error> {
    let sql = "select exists (select 1 from membership m where m.person_id = a.person_id and m.role = 'LocalAdmin')
               from account a where a.person_id = $1
                 and exists (select 1 from membership m where m.person_id = a.person_id and m.school_id = any($2))
               for update";
    Ok(transaction.query_opt(sql, &[&person, &schools]).await?.map(|row| row.get(0)))
}

/// Blocks an account. False when it was.
pub async fn block(transaction: &mut Transaction, person: Uuid, now: DateTime<Utc>) -> Result<bool, Error> {
    let sql = "update account set blocked_at = $2 where person_id = $1 and blocked_at is null";
    Ok(transaction.execute(sql, &[&person, &now]).await? == 1)
}

/// Lifts a block. False when there was none.
pub async fn unblock(transaction: &mut Transaction, person: Uuid) -> Result<bool, Error> {
    let sql = "update account set blocked_at = null where person_id = $1 and blocked_at is not null";
    Ok(transaction.execute(sql, &[&person]).await? == 1)
}

fn account(row: &Row) -> SchoolAccount {
    SchoolAccount {
        person_id: row.get(0),
        given_name: row.get(1),
        family_name: row.get(2),
        login: row.get(3),
        roles: row.get(4),
        last_sign_in_at: row.get(5),
        state: AccountState::parse(row.get(6)),
    }
}
