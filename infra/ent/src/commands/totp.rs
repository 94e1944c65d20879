//! Settles how the one-time code of a demo account is computed (RFC 6238: SHA-1, 6 digits, 30 s).

use anyhow::{Context as _, Result, bail};
use chrono::TimeDelta;
use totp_rs::{Algorithm, Secret, TOTP};

use super::accounts;
use crate::cli;
use crate::clock;
use crate::context::Context;
use crate::installation::calendar;
use crate::ui;

/// Prints the current code.
pub(crate) fn run(context: &Context, asked: &cli::Totp) -> Result<u8> {
    let accounts = accounts::read(&context.layout)?;
    if accounts.is_empty() {
        bail!(
            "there are no demo accounts yet; start the backend first: `cargo ent up`, or `docker compose up --wait`"
        );
    }
    let Some(account) = accounts.iter().find(|account| account.login == asked.account) else {
        bail!(
            "there is no demo account `{}`; `{} status` shows one per role",
            asked.account,
            context.topology.command()
        );
    };
    if account.totp_secret.is_empty() {
        bail!("the account `{}` signs in without a one-time code", account.login);
    }
    let now = clock::wall() + TimeDelta::seconds(calendar::ahead_s(&context.layout)?.into());
    ui::out(&totp(&account.totp_secret)?.generate(u64::try_from(now.timestamp())?))?;
    Ok(0)
}

fn totp(secret: &str) -> Result<TOTP> {
    let bytes = Secret::Encoded(secret.to_owned()).to_bytes();
    let bytes =
        bytes.map_err(|error| anyhow::anyhow!("{error:?}")).context("the account's secret is not base32")?;
    // Unchecked: RFC 4226's 128 bits are a rule for those who make secrets, not for those who use them.
    Ok(TOTP::new_unchecked(Algorithm::SHA1, 6, 1, 30, bytes, None, String::new()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_follow_the_rfc() {
        // RFC 6238, appendix B, time 59 s; the 8-digit code there ends with these 6 digits.
        let secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        assert_eq!(totp(secret).unwrap().generate(59), "287082");
    }
}
