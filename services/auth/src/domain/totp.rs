//! Settles whether a one-time code is right (RFC 6238: SHA-1, six digits, 30 s), and that it is right only once.

use subtle::ConstantTimeEq;
use totp_rs::{Algorithm, Secret, TOTP};

const DIGITS: usize = 6;
const STEP_S: u64 = 30;
/// Steps before and after the current one that are accepted: phones' clocks are off, and typing takes time.
const TOLERATED_STEPS: u64 = 1;

/// The time step whose code this is, if it is the code of a current one.
pub fn matching_step(secret_base32: &str, code: &str, unix_seconds: u64) -> Option<i64> {
    let secret = Secret::Encoded(secret_base32.to_owned()).to_bytes().ok()?;
    let totp = TOTP::new_unchecked(Algorithm::SHA1, DIGITS, 0, STEP_S, secret, None, String::new());
    let now = unix_seconds / STEP_S;
    let mut steps = now.saturating_sub(TOLERATED_STEPS)..=now + TOLERATED_STEPS;
    let step = steps.find(|step| totp.generate(step * STEP_S).as_bytes().ct_eq(code.as_bytes()).into())?;
    i64::try_from(step).ok()
}

/// What an authenticator reads from a QR code (the key URI format that its makers agreed on).
pub fn uri(issuer: &str, login: &str, secret_base32: &str) -> String {
    let (issuer, login) = (percent_encoded(issuer), percent_encoded(login));
    format!(
        "otpauth://totp/{issuer}:{login}?secret={secret_base32}&issuer={issuer}&algorithm=SHA1&digits={DIGITS}&period={STEP_S}"
    )
}

/// All but unreserved characters (RFC 3986, 2.3).
fn percent_encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B: the secret is the ASCII string 12345678901234567890; the last six of the eight digits.
    const RFC_SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    #[test]
    fn the_rfcs_vectors_hold() {
        for (time, code) in [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924")] {
            assert_eq!(
                matching_step(RFC_SECRET, code, time),
                Some(i64::try_from(time / 30).unwrap()),
                "{time}"
            );
        }
    }

    #[test]
    fn an_authenticator_reads_whose_secret_it_is() {
        let uri = uri("ENT Île-de-France", "zoé@martin", RFC_SECRET);
        let read = TOTP::from_url_unchecked(&uri).unwrap();
        assert_eq!(read.issuer.as_deref(), Some("ENT Île-de-France"), "{uri}");
        assert_eq!((read.account_name.as_str(), read.generate(59).as_str()), ("zoé@martin", "287082"));
    }

    #[test]
    fn a_code_is_good_for_its_step_and_one_on_either_side() {
        assert!(matching_step(RFC_SECRET, "287082", 59 + 30).is_some());
        assert!(matching_step(RFC_SECRET, "287082", 0).is_some());
        assert!(matching_step(RFC_SECRET, "287082", 59 + 60).is_none());
        assert!(matching_step(RFC_SECRET, "", 59).is_none());
        assert!(matching_step("not base32!", "287082", 59).is_none());
    }
}
