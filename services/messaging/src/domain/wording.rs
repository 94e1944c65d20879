//! Settles how sentences for people name everybody with a role.

use shared::session::Role;

/// Everybody with a role, in words.
pub fn people(role: Role) -> &'static str {
    match role {
        Role::Student => "pupils",
        Role::Guardian => "guardians",
        Role::Teacher => "teachers",
        Role::Principal => "heads",
        Role::SchoolLife => "the school life office",
        Role::Staff => "administrative and technical staff",
        Role::LocalAdmin => "local administrators",
    }
}

/// The same where a sentence begins.
pub fn people_first(role: Role) -> String {
    let name = people(role);
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
