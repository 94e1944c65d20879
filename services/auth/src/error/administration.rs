//! Settles what can go wrong with administration and switches, and the problem that each of it is.

use actix_web::http::StatusCode;
use chrono::{DateTime, Utc};
use shared::http::Problem;

/// Those to whom sign-in opens again at the same moment are told to come within so many seconds of it.
const OPENING_SPREAD_S: u32 = 60;

/// A failure of an act of administration, or what one has closed.
#[derive(Debug, thiserror::Error)]
pub enum AdministrationError {
    /// An account or a role that administrators do not reach: their own, another administrator's, or the making of a head.
    #[error("the account or role of an administrator")]
    AdministratorAccount,
    /// The credentials are right, and a switch keeps every role of the account out for now.
    #[error("sign-in is closed to every role of the account until {until}")]
    SignInClosed {
        /// When the first role may sign in again.
        until: DateTime<Utc>,
        /// When this was said.
        now: DateTime<Utc>,
    },
    /// A switch without an end that is allowed, or otherwise wrong.
    #[error("{0}")]
    BadSwitch(String),
    /// So many switches of a school, or of all schools, are not over.
    #[error("too many switches are open")]
    TooManySwitches,
    /// The id is that of a campaign that asked for something else.
    #[error("another campaign has this id")]
    OtherCampaign,
    /// A campaign names somebody who is not of the school.
    #[error("somebody is not of the school")]
    NotOfTheSchool,
    /// The school has no such campaign, or the campaign no such sheet.
    #[error("no such campaign or sheet")]
    CampaignNotFound,
    /// Some accounts of the sheet have not been come to.
    #[error("accounts of the sheet are still waiting")]
    SheetNotReady,
    /// The sheet was printed, and nobody said that it is to be printed again.
    #[error("the sheet was printed before")]
    SheetPrinted,
    /// The school has no such switch that is not over.
    #[error("no such switch that is not over")]
    SwitchNotFound,
}

impl AdministrationError {
    /// What it is to whoever asked.
    pub(super) fn problem(&self) -> Problem {
        match self {
            Self::AdministratorAccount => Problem::new(
                StatusCode::FORBIDDEN,
                "administrator_account",
                "Accounts and roles of administrators, your own too, are changed by the operators of this ENT only, and only they make somebody a head.",
            ),
            Self::SignInClosed { until, now } => {
                let wait_s = u32::try_from((*until - *now).num_seconds()).unwrap_or(0).saturating_add(1);
                let detail =
                    "Sign-in is closed to you for now, so that others can work: come back when `until` says.";
                Problem::new(StatusCode::FORBIDDEN, "sign_in_closed", detail)
                    .retry_after_within(wait_s, OPENING_SPREAD_S)
                    .with("until", until)
            }
            Self::BadSwitch(fault) => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_body", fault),
            Self::TooManySwitches => Problem::new(
                StatusCode::CONFLICT,
                "too_many_switches",
                "So many switches are open already: end one of them before another is opened.",
            ),
            Self::OtherCampaign => Problem::new(
                StatusCode::CONFLICT,
                "other_campaign",
                "Another campaign has this id: take a new one.",
            ),
            Self::NotOfTheSchool => Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "not_of_the_school",
                "Somebody whom you name is not of this school: nothing was begun.",
            ),
            Self::CampaignNotFound => Problem::new(
                StatusCode::NOT_FOUND,
                "campaign_not_found",
                "There is no such campaign or sheet here.",
            ),
            Self::SheetNotReady => Problem::new(
                StatusCode::CONFLICT,
                "sheet_not_ready",
                "Some accounts of this sheet are still worked off: ask again in a moment.",
            )
            .retry_after(1),
            Self::SheetPrinted => Problem::new(
                StatusCode::CONFLICT,
                "sheet_printed",
                "This sheet was printed before. Say `again` to print it with new codes; those of before are good no more then.",
            ),
            Self::SwitchNotFound => Problem::new(
                StatusCode::NOT_FOUND,
                "switch_not_found",
                "There is no such switch here, or it is over.",
            ),
        }
    }
}
