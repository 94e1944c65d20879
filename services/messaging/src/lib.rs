//! Settles who writes to whom: threads, deliveries, unread counts, and the rules of who may.

mod app;
mod config;
mod domain;
mod error;
mod http;
mod operate_command;
mod store;
mod upstream;
mod worker;

pub use app::Messaging;
pub use config::Config;
/// What holds a send for a second look, for whoever measures it.
pub use domain::detection;
pub use operate_command::{operate_command, operate_words};
