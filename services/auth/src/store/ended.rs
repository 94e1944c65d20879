//! Settles which rows nobody needs any more, and how they are deleted: some at a time.

use chrono::{DateTime, Utc};
use shared::pg::{Error, Transaction};

/// What ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Printed codes that were used, withdrawn, or whose time is over.
    Codes,
    /// Authenticators that were offered and never confirmed.
    Enrolments,
    /// Keys of containments: before they are deleted a repeated command finds what it has done.
    Containments,
    /// Switches that are over.
    Switches,
    /// Who was in a campaign.
    CampaignMembers,
    /// Sheets of campaigns whose members are gone.
    CampaignSheets,
    /// Campaigns whose sheets are gone.
    Campaigns,
    /// Sign-ins and what happened to credentials.
    SecurityEvents,
    /// What could not be kept of those.
    SecurityEventLosses,
    /// Lives of instances that kept them.
    SecurityEventWriters,
}

impl Ended {
    /// Everything that ends.
    pub const ALL: [Self; 10] = [
        Self::Codes,
        Self::Enrolments,
        Self::Containments,
        Self::Switches,
        Self::CampaignMembers,
        Self::CampaignSheets,
        Self::Campaigns,
        Self::SecurityEvents,
        Self::SecurityEventLosses,
        Self::SecurityEventWriters,
    ];

    fn sql(self) -> &'static str {
        match self {
            Self::Codes => {
                "delete from account_code where code_hash in (
                     select code_hash from account_code where least(used_at, expires_at) < $1
                     order by least(used_at, expires_at) limit $2 for update skip locked)"
            }
            Self::Enrolments => {
                "delete from authenticator_enrolment where person_id in (
                     select person_id from authenticator_enrolment where expires_at < $1
                     order by expires_at limit $2 for update skip locked)"
            }
            Self::Containments => {
                "delete from containment where (caller, key) in (
                     select caller, key from containment where contained_at < $1
                     order by contained_at limit $2 for update skip locked)"
            }
            Self::Switches => {
                "delete from switch where id in (
                     select id from switch where least(ended_at, ends_at) < $1 limit $2 for update skip locked)"
            }
            Self::CampaignMembers => {
                "delete from campaign_member where (school_id, campaign_id, person_id) in (
                     select m.school_id, m.campaign_id, m.person_id
                     from campaign c join campaign_member m on (m.school_id, m.campaign_id) = (c.school_id, c.id)
                     where c.created_at < $1 limit $2 for update of m skip locked)"
            }
            Self::CampaignSheets => {
                "delete from campaign_sheet where (school_id, campaign_id, number) in (
                     select s.school_id, s.campaign_id, s.number
                     from campaign c join campaign_sheet s on (s.school_id, s.campaign_id) = (c.school_id, c.id)
                     where c.created_at < $1 and not exists (
                         select 1 from campaign_member m where (m.school_id, m.campaign_id) = (c.school_id, c.id))
                     limit $2 for update of s skip locked)"
            }
            Self::Campaigns => {
                "delete from campaign where (school_id, id) in (
                     select school_id, id from campaign c where created_at < $1 and not exists (
                         select 1 from campaign_sheet s where (s.school_id, s.campaign_id) = (c.school_id, c.id))
                     limit $2 for update skip locked)"
            }
            Self::SecurityEvents => {
                "delete from security_event where id in (
                     select id from security_event where at < $1 order by at limit $2 for update skip locked)"
            }
            Self::SecurityEventLosses => {
                "delete from security_event_loss where id in (
                     select id from security_event_loss where until_at < $1 limit $2 for update skip locked)"
            }
            Self::SecurityEventWriters => {
                "delete from security_event_writer where id in (
                     select id from security_event_writer where written_at < $1 limit $2 for update skip locked)"
            }
        }
    }
}

/// Deletes up to `limit` of what ended before `at`. Returns how many.
pub async fn delete(
    transaction: &mut Transaction,
    ended: Ended,
    at: DateTime<Utc>,
    limit: i64,
) -> Result<u64, Error> {
    transaction.execute(ended.sql(), &[&at, &limit]).await
}
