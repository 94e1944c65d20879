//! Settles how auth behaves over HTTP, on real engines: one file per noun, outages, and the API description.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test reports a fault by panicking"
)]

mod admin;
mod app;
mod attempts;
mod audit;
mod authenticators;
mod authorisation;
mod campaigns;
mod containment;
mod degraded;
mod directory;
mod enrolments;
mod failover;
mod hardening;
mod limits;
mod me;
mod new_passwords;
mod openapi;
mod operate;
mod outage;
mod outage_of_credentials;
mod own_sessions;
mod probes;
mod restored;
mod revocations;
mod role_changes;
mod school_accounts;
mod security_events;
mod seed;
mod sessions;
mod siblings;
mod signing_keys;
mod step_up;
mod sweeper;
mod switches;
mod waiting_room;
