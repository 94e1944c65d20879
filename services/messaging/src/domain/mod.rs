//! Settles the rules of messaging: who may write to whom, and what a message is.

pub mod audience;
pub mod communication_rule;
pub mod home;
pub mod mailbox;
pub mod message;
pub mod reach;
pub mod sender;
