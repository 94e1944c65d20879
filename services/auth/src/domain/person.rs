//! Settles what a person may see of themselves.

use shared::context::Context;
use shared::pg::Database;
use uuid::Uuid;

use crate::error::Error;
use crate::store;
use crate::store::person::Profile;

/// The signed-in person, with names of schools.
pub async fn profile(database: &Database, context: &Context, person_id: Uuid) -> Result<Profile, Error> {
    let mut reader = database.read(context).await?;
    store::person::find_profile(&mut reader, person_id).await?.ok_or(Error::AccountGone)
}
