//! Settles how courses behaves over HTTP, on real engines: one file per noun, outages, and the API description.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test reports a fault by panicking"
)]

mod ablation;
mod app;
mod attribution;
mod authorisation;
mod conditional;
mod course;
mod directory;
mod hardening;
mod home;
mod homework;
mod idempotency;
mod openapi;
mod outage;
mod revocations;
