//! Settles how the demo accounts are read: from the file that seeding left for people and load tests.

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::layout::Layout;

/// One demo account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Account {
    /// What to sign in with.
    pub(crate) login: String,
    /// The password.
    pub(crate) password: String,
    /// The main role.
    pub(crate) role: String,
    /// The schools' UAIs, separated by `;` or blanks.
    pub(crate) school_uais: String,
    /// Base32; empty where the account asks for no code.
    pub(crate) totp_secret: String,
    /// The invented person's name.
    pub(crate) person_name: String,
    /// Of pupils, the class that they are in; empty of others.
    pub(crate) class_name: String,
}

/// All accounts; none when nothing was loaded yet.
pub(crate) fn read(layout: &Layout) -> Result<Vec<Account>> {
    let path = layout.path("accounts.csv");
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let parse = || csv::Reader::from_path(&path)?.deserialize().collect::<csv::Result<Vec<Account>>>();
    parse()
        .with_context(|| format!("{} is damaged; load again with `cargo ent seed --replace`", path.display()))
}

/// The first account of each role, in the order of the file.
pub(crate) fn one_per_role(accounts: &[Account]) -> Vec<Account> {
    let mut chosen: Vec<Account> = Vec::new();
    for account in accounts {
        if !chosen.iter().any(|other| other.role == account.role) {
            chosen.push(account.clone());
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_each_role_is_chosen() {
        let text = "login,password,role,school_uais,totp_secret,person_name,class_name\n\
            a,p,Student,0750655E,,A,3e B\nb,p,Student,0750655E,,B,3e B\nc,p,Teacher,0750655E,JBSWY3DP,C,\n";
        let all: Vec<Account> =
            csv::Reader::from_reader(text.as_bytes()).deserialize().collect::<Result<_, _>>().unwrap();
        let logins: Vec<String> = one_per_role(&all).into_iter().map(|account| account.login).collect();
        assert_eq!(logins, ["a", "c"]);
    }
}
