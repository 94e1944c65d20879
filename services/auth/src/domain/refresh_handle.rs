//! Settles what a browser holds to stay signed in: a sealed handle that says which session it is, so that a session survives its store.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use shared::session::{Membership, Role};
use uuid::Uuid;

/// Layout version, first byte of the handle. After it: sid 16, generation 4, sub 16, epoch 8, `auth_time` 8,
/// `device_since` 8, `absolute_end` 8, amr 1, epoch of the memberships 8, and for each of those school 16 and role 1.
const VERSION: u8 = 2;
const MAC_BYTES: usize = 32;
/// Memberships that a handle carries at most: 1.5 KB of the 4 KB that a cookie may have. Who has more gets the others back
/// with the next refresh that is not degraded.
const MOST_MEMBERSHIPS: usize = 64;

/// How a person proved who they are, as the token's `amr` names it (RFC 8176).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Password alone.
    Password,
    /// Password and one-time code, of an authenticator or for recovery.
    PasswordAndTotp,
}

impl Method {
    /// As it is kept.
    pub fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::PasswordAndTotp => "password_and_code",
        }
    }

    /// Values for the token.
    pub fn amr(self) -> Vec<String> {
        let names: &[&str] = match self {
            Self::Password => &["pwd"],
            Self::PasswordAndTotp => &["pwd", "otp"],
        };
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn byte(self) -> u8 {
        match self {
            Self::Password => 0,
            Self::PasswordAndTotp => 1,
        }
    }

    fn from_byte(byte: u8) -> Option<Self> {
        [Self::Password, Self::PasswordAndTotp].into_iter().find(|method| method.byte() == byte)
    }
}

/// The content of a handle. Times are Unix seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshHandle {
    /// The session.
    pub sid: Uuid,
    /// How often it was refreshed: each use gives the next generation.
    pub generation: u32,
    /// The person.
    pub sub: Uuid,
    /// Revocations up to this epoch are older than the sign-in.
    pub epoch: i64,
    /// When the person proved who they are.
    pub auth_time: u64,
    /// Since when the device is known to the account.
    pub device_since: u64,
    /// When the session ends, whatever happens.
    pub absolute_end: u64,
    /// How the person proved who they are.
    pub method: Method,
    /// Their roles when it was sealed, all read at one epoch: for a token while nobody else can say.
    pub memberships: Vec<Membership>,
}

impl RefreshHandle {
    /// The handle as the cookie carries it. The same content always gives the same text.
    pub fn seal(&self, key: &[u8; 32]) -> String {
        let mut bytes = Vec::with_capacity(256);
        bytes.push(VERSION);
        bytes.extend(self.sid.as_bytes());
        bytes.extend(self.generation.to_be_bytes());
        bytes.extend(self.sub.as_bytes());
        bytes.extend(self.epoch.to_be_bytes());
        bytes.extend(self.auth_time.to_be_bytes());
        bytes.extend(self.device_since.to_be_bytes());
        bytes.extend(self.absolute_end.to_be_bytes());
        bytes.push(self.method.byte());
        let read_at = self.memberships.first().map_or(0, |membership| membership.epoch);
        bytes.extend(read_at.to_be_bytes());
        for membership in self.memberships.iter().take(MOST_MEMBERSHIPS) {
            bytes.extend(membership.school.as_bytes());
            bytes.push(role_byte(membership.role));
        }
        let mac = keyed(key, &bytes).finalize().into_bytes();
        bytes.extend(mac);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The content, if this is a handle that was sealed with `key`.
    pub fn open(text: &str, key: &[u8; 32]) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (content, mac) = bytes.split_at_checked(bytes.len().checked_sub(MAC_BYTES)?)?;
        keyed(key, content).verify_slice(mac).ok()?;
        let mut fields = Fields(content);
        if fields.take::<1>()? != [VERSION] {
            return None;
        }
        Some(Self {
            sid: Uuid::from_bytes(fields.take()?),
            generation: u32::from_be_bytes(fields.take()?),
            sub: Uuid::from_bytes(fields.take()?),
            epoch: i64::from_be_bytes(fields.take()?),
            auth_time: u64::from_be_bytes(fields.take()?),
            device_since: u64::from_be_bytes(fields.take()?),
            absolute_end: u64::from_be_bytes(fields.take()?),
            method: Method::from_byte(u8::from_be_bytes(fields.take()?))?,
            memberships: fields.memberships()?,
        })
    }
}

struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*field)
    }

    fn memberships(&mut self) -> Option<Vec<Membership>> {
        let epoch = i64::from_be_bytes(self.take()?);
        let mut memberships = Vec::new();
        while !self.0.is_empty() {
            let school = Uuid::from_bytes(self.take()?);
            let role = role_of(u8::from_be_bytes(self.take()?))?;
            memberships.push(Membership { school, role, epoch });
        }
        Some(memberships)
    }
}

fn role_byte(role: Role) -> u8 {
    Role::ALL.iter().zip(0..).find(|(known, _)| **known == role).map_or(u8::MAX, |(_, byte)| byte)
}

fn role_of(byte: u8) -> Option<Role> {
    Role::ALL.get(usize::from(byte)).copied()
}

fn keyed(key: &[u8; 32], content: &[u8]) -> Hmac<Sha256> {
    // A key shorter than SHA-256's block is padded with zeros (RFC 2104); doing it here keeps the call infallible.
    let mut block = [0; 64];
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    Hmac::<Sha256>::new(&block.into()).chain_update(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handle() -> RefreshHandle {
        RefreshHandle {
            sid: Uuid::from_u128(1),
            generation: 7,
            sub: Uuid::from_u128(2),
            epoch: 3,
            auth_time: 4,
            device_since: 5,
            absolute_end: 6,
            method: Method::PasswordAndTotp,
            memberships: Role::ALL
                .map(|role| Membership { school: Uuid::from_u128(3), role, epoch: 9 })
                .to_vec(),
        }
    }

    #[test]
    fn a_sealed_handle_opens_with_its_key_only() {
        let text = handle().seal(&[1; 32]);
        assert_eq!(RefreshHandle::open(&text, &[1; 32]), Some(handle()));
        assert_eq!(RefreshHandle::open(&text, &[2; 32]), None);
    }

    #[test]
    fn no_byte_can_be_changed_cut_or_added() {
        let key = [1; 32];
        let sealed = URL_SAFE_NO_PAD.decode(handle().seal(&key)).unwrap();
        for at in 0..sealed.len() {
            let mut forged = sealed.clone();
            forged[at] ^= 1;
            assert_eq!(RefreshHandle::open(&URL_SAFE_NO_PAD.encode(&forged), &key), None, "byte {at}");
            assert_eq!(
                RefreshHandle::open(&URL_SAFE_NO_PAD.encode(&sealed[..at]), &key),
                None,
                "cut at {at}"
            );
        }
        let longer = [sealed.as_slice(), &[0]].concat();
        assert_eq!(RefreshHandle::open(&URL_SAFE_NO_PAD.encode(longer), &key), None);
    }
}
