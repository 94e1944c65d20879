//! Settles what roles are called where people read them.

use shared::session::Role;

/// With its article, as after `à`: `aux familles`.
pub fn to_in_french(role: Role) -> &'static str {
    match role {
        Role::Student => "aux élèves",
        Role::Guardian => "aux familles",
        Role::Teacher => "aux enseignants",
        Role::Principal => "à la direction",
        Role::SchoolLife => "à la vie scolaire",
        Role::Staff => "aux personnels administratifs et techniques",
        Role::LocalAdmin => "aux administrateurs",
    }
}

/// At the head of a list.
pub fn heading(role: Role) -> &'static str {
    match role {
        Role::Student => "Élèves",
        Role::Guardian => "Responsables",
        Role::Teacher => "Enseignants",
        Role::Principal => "Direction",
        Role::SchoolLife => "Vie scolaire",
        Role::Staff => "Personnels administratifs et techniques",
        Role::LocalAdmin => "Administrateurs",
    }
}

/// As after `to`.
pub fn to_in_english(role: Role) -> &'static str {
    match role {
        Role::Student => "to pupils",
        Role::Guardian => "to families",
        Role::Teacher => "to teachers",
        Role::Principal => "to heads",
        Role::SchoolLife => "to school life",
        Role::Staff => "to administrative and technical staff",
        Role::LocalAdmin => "to administrators",
    }
}
