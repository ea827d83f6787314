//! Secrets that can't be printed, and codes that are stored hashed.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error as _};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::fmt::Write as _;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// A password, normalised to NFC so that it is the same whatever keyboard it was typed on. It has
/// 8 to 1,024 characters, is wiped when dropped, and has no way to be printed.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// The fewest characters a password may have.
    pub const MIN: usize = 8;
    /// The most characters a password may have.
    pub const MAX: usize = 1024;

    /// Takes a password as it was typed.
    ///
    /// # Errors
    /// Says which length rule it breaks.
    pub fn new(typed: &str) -> Result<Self, String> {
        // A bound on the work of normalising, whatever comes in.
        if typed.len() > Self::MAX * 16 {
            return Err(format!("a password has at most {} characters", Self::MAX));
        }
        let mut normal = Zeroizing::new(String::with_capacity(typed.len() * 3));
        normal.extend(typed.nfc());
        match normal.chars().count() {
            n if n < Self::MIN => Err(format!("a password has at least {} characters", Self::MIN)),
            n if n > Self::MAX => Err(format!("a password has at most {} characters", Self::MAX)),
            _ => Ok(Self(normal)),
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let typed = typed(deserializer, "must be a string")?;
        Self::new(&typed).map_err(D::Error::custom)
    }
}

/// Reads what somebody typed into memory that is wiped. What they typed instead of text is not repeated.
pub(crate) fn typed<'de, D: Deserializer<'de>>(deserializer: D, rule: &str) -> Result<Zeroizing<String>, D::Error> {
    let typed = String::deserialize(deserializer).map_err(|error| {
        // Of all errors, this one alone does not speak of a value.
        if error.to_string().starts_with("missing field") { error } else { D::Error::custom(rule) }
    });
    typed.map(Zeroizing::new)
}

impl JsonSchema for Secret {
    fn schema_name() -> Cow<'static, str> {
        "Password".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "password", "minLength": Self::MIN, "maxLength": Self::MAX })
    }
}

/// What codes that replace a password start with.
pub(crate) const RESET_PREFIX: &str = "sessile_reset_";

/// A new code of 160 random bits behind a prefix that tells people, and secret scanners, what it
/// is.
///
/// # Panics
/// When the operating system has no random numbers, without which nothing here is safe.
#[must_use]
pub fn new_code(prefix: &str) -> String {
    let mut random = [0u8; 20];
    getrandom::fill(&mut random).expect("the operating system provides random numbers");
    let mut code = String::from(prefix);
    for byte in random {
        let _ = write!(code, "{byte:02x}");
    }
    code
}

/// What a code is stored and looked up as. Codes are random and long, so a plain hash is enough.
#[must_use]
pub fn hash_code(code: &str) -> String {
    Sha256::digest(code.trim().as_bytes()).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
