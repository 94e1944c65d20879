//! Settles what is taught: classes and teaching groups, who is in them, courses, homework.

mod app;
mod config;
mod domain;
mod error;
mod http;
mod store;

pub use app::Courses;
pub use config::Config;
