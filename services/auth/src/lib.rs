//! Settles who people are and who may act as them: accounts, sessions, schools, roles.

mod app;
mod breach_filter_command;
mod config;
mod domain;
mod error;
mod http;
mod operate_command;
mod store;
mod worker;

pub use app::Auth;
pub use breach_filter_command::breach_filter_command;
pub use config::Config;
pub use operate_command::{operate_command, operate_words};
/// What a session leaves in the session store, for whoever measures it.
pub use store::session as session_store;
