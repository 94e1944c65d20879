//! Settles the rules of courses: who sees which group, who gives homework.

pub mod course;
pub mod home;
pub mod homework;
pub mod shelf;
pub mod viewer;
