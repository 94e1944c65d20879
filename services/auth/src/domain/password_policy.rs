//! Settles which passwords may be set: long enough for the role, nothing that is known or obvious; no other rule, and no age.
//!
//! NIST 800-63B-4, 3.1.1: length and a list of known passwords instead of classes of characters and rotation. The same
//! characters typed on another keyboard are the same password: everything is in NFC, when it is set and when it is checked.

use shared::session::{Membership, Role};
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use super::breach_filter::BreachFilter;
use crate::error::Error;

/// Letters that a password must have: pupils type theirs several times a day, on phones; what slows guessers down there is
/// `domain::attempts`. Administrators open everybody else's doors.
fn least_length(memberships: &[Membership]) -> usize {
    let of_role = |role: Role| match role {
        Role::Student => 10,
        Role::Guardian | Role::Teacher | Role::SchoolLife | Role::Staff => 12,
        Role::Principal | Role::LocalAdmin => 15,
    };
    memberships.iter().map(|membership| of_role(membership.role)).max().unwrap_or(12)
}

/// The form in which passwords are hashed.
pub fn normal(password: &str) -> Zeroizing<String> {
    Zeroizing::new(password.nfc().collect())
}

/// Refuses a password that is too short for the role, known, or made of the login.
pub fn check(
    password: &str,
    login: &str,
    memberships: &[Membership],
    filter: &BreachFilter,
) -> Result<(), Error> {
    let least = least_length(memberships);
    if password.chars().count() < least {
        return Err(Error::PasswordTooShort(least));
    }
    let lower = Zeroizing::new(password.to_lowercase());
    let is_login = login.split(['.', '-', '@', '_']).any(|part| part.len() >= 4 && lower.contains(part));
    if is_login || filter.contains(password) || filter.contains(&lower) {
        return Err(Error::PasswordKnown);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn verdict(password: &str, role: Role) -> Result<(), String> {
        let memberships = [Membership { school: Uuid::nil(), role, epoch: 0 }];
        let filter = BreachFilter::built_in();
        check(password, "zoe.martin", &memberships, &filter).map_err(|error| error.to_string())
    }

    #[test]
    fn length_goes_by_the_role_that_opens_most() {
        let ten = "tiroir vif";
        assert_eq!(verdict(ten, Role::Student), Ok(()));
        assert!(verdict(ten, Role::Teacher).unwrap_err().contains("12"));
        assert!(verdict("tiroir vif bleu", Role::LocalAdmin).is_ok());
        assert!(verdict("tiroir vif ble", Role::Principal).unwrap_err().contains("15"));
    }

    #[test]
    fn obvious_passwords_and_the_login_are_refused() {
        for password in
            ["motdepasse2024", "Azertyuiop123", "1234567890", "Martin-2011!", "Soleil12345!", "aaaaaaaaaaaa"]
        {
            assert!(verdict(password, Role::Student).unwrap_err().contains("known"), "{password}");
        }
        assert!(verdict("cheval pile agrafe", Role::Student).is_ok());
    }

    #[test]
    fn the_same_letters_from_another_keyboard_are_the_same_password() {
        assert_eq!(*normal("e\u{301}cole"), *normal("école"));
    }
}
