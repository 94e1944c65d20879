//! Settles the rules of messaging: who may write to whom, and what a message is.

pub mod account_response;
pub mod administration;
pub mod audience;
pub mod budget;
pub mod climate;
pub mod communication_rule;
pub mod communication_rules;
pub mod detection;
pub mod hold;
pub mod holds;
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
pub mod second_look;
pub mod send_limits;
pub mod sender;
pub mod support_text;
pub mod wording;
