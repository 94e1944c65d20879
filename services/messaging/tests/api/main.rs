//! Settles how messaging behaves over HTTP, on real engines: one file per noun, outages, and the API description.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test reports a fault by panicking"
)]

mod account_response;
mod account_response_kills;
mod app;
mod authorisation;
mod budget;
mod commit_fault;
mod communication_rule;
mod events;
mod events_under_load;
mod evidence;
mod hardening;
mod held_mail;
mod histories;
mod hold;
mod hold_evasions;
mod home;
mod idempotency;
mod inbox;
mod incident;
mod listener;
mod listening_at_random;
mod message;
mod older_instance;
mod openapi;
mod operate;
mod outage;
mod recall;
mod recall_alike;
mod recall_races;
mod restriction;
mod restriction_races;
mod revocations;
mod roster;
mod search;
mod stand_in;
mod thread;
