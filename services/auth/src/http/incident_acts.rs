//! Settles how a sibling that keeps an incident learns what was done here in it, with what proves it.

use actix_web::web::{Data, Json, Path};
use serde::Serialize;
use shared::audit::{self, Named, Proof, find_of_incident, prove};
use shared::context::Context;
use shared::http::Problem;
use shared::pg::Work;
use shared::service_token::CallingService;
use uuid::Uuid;

use crate::app::Auth;
use crate::error::Error;

/// What was done in an incident.
#[derive(Serialize)]
pub struct IncidentActs {
    /// Entries of the audit log, in its order.
    entries: Vec<Named>,
    /// What proves those that a checkpoint covers; absent where checkpoints are not signed.
    proof: Option<Proof>,
}

/// What was done here in an incident.
pub async fn list(
    _sibling: CallingService,
    context: Context,
    auth: Data<Auth>,
    incident: Path<Uuid>,
) -> Result<Json<IncidentActs>, Problem> {
    let mut reader = auth.database().reader(&context, Work::Background).await.map_err(Error::from)?;
    let entries = find_of_incident(&mut reader, *incident).await.map_err(Error::from)?;
    drop(reader);
    let proof = match prove(auth.audit(), &entries).await {
        Ok(proof) => proof,
        Err(audit::Error::NotConfigured) => None,
        Err(error) => return Err(Error::from(error).into()),
    };
    Ok(Json(IncidentActs { entries, proof }))
}
