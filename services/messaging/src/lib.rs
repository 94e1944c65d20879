//! Settles who writes to whom: threads, deliveries, unread counts, and the rules of who may.

mod app;
mod config;
mod domain;
mod error;
mod http;
mod store;

pub use app::Messaging;
pub use config::Config;
