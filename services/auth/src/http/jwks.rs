//! Settles how siblings get the keys that access tokens are signed with.

use actix_web::web::{Data, Json};
use shared::session::Jwks;

use crate::app::Auth;

/// The current key set.
pub async fn jwks(auth: Data<Auth>) -> Json<Jwks> {
    Json(auth.sessions().tokens.jwks())
}
