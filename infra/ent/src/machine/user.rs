//! Settles as whom PostgreSQL runs when `cargo ent` runs as root, which PostgreSQL refuses to.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::context::Context;
use crate::process;
use crate::process::RunAs;

/// The unprivileged user, tried on the folder it has to reach; none when this process is not root.
pub(crate) fn server_user(context: &Context, folder: &Path) -> Result<Option<RunAs>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let Some(plain) = ["postgres", "nobody"].iter().find_map(|name| account(&accounts, name)) else {
        bail!("PostgreSQL refuses to run as root and there is no user `postgres` or `nobody`");
    };
    // A checkout under /root (mode 0700) is closed to that user. One capability opens folders for passing through and
    // files for reading, and nothing for writing.
    let with_capability = RunAs { can_read_all: true, ..plain.clone() };
    for user in [&plain, &with_capability] {
        if can_reach(context, user, folder)? {
            return Ok(Some(user.clone()));
        }
    }
    bail!(
        "PostgreSQL has to run as user `{}`, which cannot reach {}; move the checkout to a folder that others may \
         pass through, or run `cargo ent` as an ordinary user",
        plain.user,
        folder.display()
    )
}

fn can_reach(context: &Context, user: &RunAs, folder: &Path) -> Result<bool> {
    // Entering it is the test: access(2), which `test -x` asks, does not count capabilities.
    let mut test = Command::new("sh");
    test.args(["-c", "cd -- \"$1\"", "sh"]).arg(folder);
    let limit = Duration::from_secs(10);
    let result = process::captured(&context.layout, &context.signals, &test, Some(user), limit)?;
    Ok(result.status.success())
}

fn account(accounts: &str, name: &str) -> Option<RunAs> {
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next()? != name {
            return None;
        }
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(RunAs { user: name.to_owned(), uid, gid, can_read_all: false })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_read_from_passwd() {
        let accounts = "root:x:0:0:root:/root:/bin/bash\npostgres:x:101:104:PG:/var/lib:/bin/bash\n";
        let user = account(accounts, "postgres").unwrap();
        assert_eq!((user.uid, user.gid), (101, 104));
        assert_eq!(account(accounts, "nobody"), None);
    }
}
