//! Settles which tables a demo data set fills; nobody projects messages, so nothing is announced.

use shared::service::SeedPlan;

/// Messaging's part of a demo data set.
pub const PLAN: SeedPlan = SeedPlan { tables: &["thread", "message", "delivery"], announcements: &[] };
