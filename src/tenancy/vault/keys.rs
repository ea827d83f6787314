//! Master keys: where they come from, and how they are told apart.

use crate::error::{Error, Result};
use aws_lc_rs::aead::{AES_256_GCM, RandomizedNonceKey};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use sha2::{Digest, Sha256};
use std::fmt::{self, Write as _};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Keys that may be given at once: the one in use, and those before it.
const MOST: usize = 8;
/// The most that is read of a file of keys, in bytes.
const FILE: u64 = 4096;
/// What a key's id is made with.
const ID_OF: &[u8] = b"the id of a sessile master key\0";
/// What is said of a text that is no key. The text itself is never repeated.
const RULE: &str = "must be 32 random bytes, as 64 hexadecimal digits or in base64; `sessile admin master-key generate` \
                    makes such a key";

/// Where the master key is found: in the environment or in a file. It is read when it is needed.
#[derive(Clone, Default)]
pub struct MasterKeySource {
    /// What `SESSILE_MASTER_KEY` says.
    pub given: Option<Zeroizing<String>>,
    /// The file that holds it.
    pub file: Option<PathBuf>,
}

/// The keys that a server was given, the one that seals first. None of them can be printed.
#[derive(Default)]
pub struct MasterKeys {
    keys: Vec<MasterKey>,
}

pub(super) struct MasterKey {
    id: String,
    cipher: RandomizedNonceKey,
}

impl MasterKeySource {
    /// Reads the keys: none when there is no source.
    ///
    /// # Errors
    /// [`Error::Config`] when there are two sources, or what they hold is no key.
    pub fn load(&self) -> Result<MasterKeys> {
        let (text, source) = match (&self.given, &self.file) {
            (None, None) => return Ok(MasterKeys::default()),
            (Some(text), None) => (text.clone(), "SESSILE_MASTER_KEY".to_owned()),
            (None, Some(file)) => (read(file)?, format!("master_key_file: {}", file.display())),
            (Some(_), Some(_)) => {
                return Err(Error::Config(
                    "master_key_file: is set together with SESSILE_MASTER_KEY; set one of them".into(),
                ));
            }
        };
        let keys = MasterKeys::parse(&text).map_err(|rule| Error::Config(format!("{source}: {rule}")))?;
        if keys.sealing().is_none() {
            return Err(Error::Config(format!("{source}: is empty; it {RULE}")));
        }
        Ok(keys)
    }
}

impl fmt::Debug for MasterKeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given = self.given.as_ref().map(|_| "…");
        f.debug_struct("MasterKeySource").field("given", &given).field("file", &self.file).finish()
    }
}

impl MasterKeys {
    /// Reads keys with commas or white space between them; the first seals, and all open.
    ///
    /// # Errors
    /// Says what a key looks like.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut keys: Vec<MasterKey> = Vec::new();
        for word in text.split(|c: char| c == ',' || c.is_whitespace()).filter(|word| !word.is_empty()) {
            let key = MasterKey::new(&*bytes(word).ok_or(RULE)?)?;
            if keys.len() == MOST {
                return Err(format!("must be at most {MOST} keys"));
            }
            if keys.iter().all(|known| known.id != key.id) {
                keys.push(key);
            }
        }
        Ok(Self { keys })
    }

    /// These, and behind them those of others.
    pub(crate) fn before(mut self, others: Self) -> Self {
        let more = others.keys.into_iter().filter(|other| self.keys.iter().all(|key| key.id != other.id));
        let more: Vec<_> = more.collect();
        self.keys.extend(more);
        self
    }

    /// The id of the one that seals, if there is one.
    pub(crate) fn id(&self) -> Option<&str> {
        self.sealing().map(MasterKey::id)
    }

    pub(super) fn sealing(&self) -> Option<&MasterKey> {
        self.keys.first()
    }

    pub(super) fn with_id(&self, id: &str) -> Option<&MasterKey> {
        self.keys.iter().find(|key| key.id == id)
    }
}

impl fmt::Debug for MasterKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(MasterKey::id)).finish()
    }
}

impl MasterKey {
    fn new(key: &[u8; 32]) -> Result<Self, String> {
        if key.iter().all(|byte| *byte == key[0]) {
            return Err(RULE.into());
        }
        let mut id = String::with_capacity(16);
        for byte in &Sha256::new().chain_update(ID_OF).chain_update(key).finalize()[..8] {
            let _ = write!(id, "{byte:02x}");
        }
        let cipher = RandomizedNonceKey::new(&AES_256_GCM, key).map_err(|_| RULE)?;
        Ok(Self { id, cipher })
    }

    /// A fingerprint of the key, from which the key can't be told.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn cipher(&self) -> &RandomizedNonceKey {
        &self.cipher
    }
}

/// A new key, as text.
///
/// # Panics
/// When the operating system has no random numbers, without which nothing here is safe.
pub(crate) fn generate() -> Zeroizing<String> {
    let mut random = Zeroizing::new([0u8; 32]);
    getrandom::fill(&mut *random).expect("the operating system provides random numbers");
    let mut text = Zeroizing::new(String::with_capacity(64));
    for byte in random.iter() {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn bytes(word: &str) -> Option<Zeroizing<[u8; 32]>> {
    let mut key = Zeroizing::new([0u8; 32]);
    if word.len() == 64 {
        for (byte, digits) in key.iter_mut().zip(word.as_bytes().chunks(2)) {
            let [high, low] = [digits[0], digits[1]].map(|digit| char::from(digit).to_digit(16));
            *byte = u8::try_from(high? * 16 + low?).ok()?;
        }
        return Some(key);
    }
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    [alphabet::STANDARD, alphabet::URL_SAFE].iter().find_map(|alphabet| {
        let read = Zeroizing::new(GeneralPurpose::new(alphabet, config).decode(word).ok()?);
        key.copy_from_slice(read.get(..32).filter(|_| read.len() == 32)?);
        Some(key.clone())
    })
}

fn read(path: &Path) -> Result<Zeroizing<String>> {
    let wrong = |e: std::io::Error| Error::Config(format!("master_key_file: cannot read {}: {e}", path.display()));
    let mut text = Zeroizing::new(String::with_capacity(FILE as usize));
    let file = std::fs::File::open(path).map_err(wrong)?;
    if file.metadata().is_ok_and(|data| data.permissions().mode() & 0o004 != 0) {
        tracing::warn!(file = %path.display(), "everybody on this machine may read the master key");
    }
    let mut file = file.take(FILE);
    // What is no text is not repeated.
    file.read_to_string(&mut text).map_err(|e| wrong(e.kind().into()))?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_hexadecimal_digits_or_base64_and_never_shown() {
        let hex = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eFF";
        let base64 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHv8=";
        let url_safe = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHv8";
        let ids = [hex, base64, url_safe, &format!("{hex}\n"), &format!("{base64},{hex}")].map(|text| {
            let keys = MasterKeys::parse(text).expect(text);
            assert_eq!(keys.keys.len(), 1, "{text}");
            keys.id().map(str::to_owned)
        });
        assert!(ids.iter().all(|id| *id == ids[0] && id.as_ref().is_some_and(|id| id.len() == 16)), "{ids:?}");
        let other = MasterKeys::parse(&generate()).expect("it is a key");
        assert_ne!(other.id(), ids[0].as_deref());

        let source = MasterKeySource { given: Some(hex.to_owned().into()), file: None };
        let shown = format!("{source:?} {:?}", source.load().expect("it is a key"));
        assert!(!shown.contains("0001") && !shown.contains("AAEC"), "{shown}");
    }

    #[test]
    fn what_is_no_key_is_refused_and_not_repeated() {
        let long = "ab".repeat(33);
        for text in ["hunter2", &long, &"0".repeat(64), "a,b", &"zz".repeat(32), &"é".repeat(32)] {
            let given = Some(text.to_owned().into());
            let error = MasterKeySource { given, file: None }.load().expect_err(text).to_string();
            assert!(error.starts_with("SESSILE_MASTER_KEY: must be 32 random bytes"), "{error}");
            assert!(!error.contains(text), "{error}");
        }
        let both = MasterKeySource { given: Some(generate()), file: Some("key".into()) };
        assert!(both.load().expect_err("there are two").to_string().contains("set one of them"));
        let missing = MasterKeySource { given: None, file: Some("/nowhere/key".into()) };
        assert!(missing.load().expect_err("there is none").to_string().starts_with("master_key_file: cannot read"));
        let empty = MasterKeySource { given: Some(String::from(" ").into()), file: None };
        assert!(empty.load().expect_err("there is none").to_string().contains("is empty"));
    }
}
