//! Settles the rules of messaging: who may write to whom, and what a message is.

pub mod account_response;
pub mod administration;
pub mod audience;
pub mod budget;
pub mod communication_rule;
pub mod detection;
pub mod communication_rules;
pub mod home;
pub mod judgement;
pub mod mailbox;
pub mod message;
pub mod policy;
pub mod reach;
pub mod recall;
pub mod recalls;
pub mod restriction;
pub mod restrictions;
pub mod send_limits;
pub mod sender;
pub mod support_text;
pub mod wording;
