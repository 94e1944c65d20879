//! Settles the rules of messaging: who may write to whom, and what a message is.

pub mod account_response;
pub mod administration;
pub mod audience;
pub mod communication_rule;
pub mod detection;
pub mod home;
pub mod mailbox;
pub mod message;
pub mod policy;
pub mod reach;
pub mod recall;
pub mod recalls;
pub mod restriction;
pub mod restrictions;
pub mod sender;
pub mod support_text;
