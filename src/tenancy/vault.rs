//! Sealing what has to be kept and must not be read: with a master key that is not in the database.
//!
//! A sealed text is the key's id, a dot, and nonce, ciphertext and tag (AES-256-GCM) in base64. It is sealed for a
//! tenant and a name: put in another row, it does not open.

mod keys;
mod rotation;

pub(crate) use keys::generate;
pub use keys::{MasterKeySource, MasterKeys};
pub(crate) use rotation::reseal;

use super::ids::{TenantId, UserId};
use crate::error::{Error, Result};
use crate::store::{Store, Write, params};
use aws_lc_rs::aead::{Aad, NONCE_LEN, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// A known text, which shows that a key is the right one.
const PROOF: &str = "sessile";
/// What that is sealed for.
const PROOF_FOR: &str = "sessile master key";

/// Seals and opens.
#[derive(Clone)]
pub struct Vault {
    /// The first seals; all open.
    keys: Arc<MasterKeys>,
}

/// Something that is kept sealed for a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What<'a> {
    /// The credential with this name.
    Credential(&'a str),
    /// What an upstream gave the gateway, for a user or for the whole tenant.
    Token { upstream: &'a str, user: Option<UserId> },
}

/// As it is told apart within its tenant. None of the names in it has a space.
impl fmt::Display for What<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Credential(name) => write!(f, "credential {name}"),
            Self::Token { upstream, user: Some(user) } => write!(f, "token {upstream} {user}"),
            Self::Token { upstream, user: None } => write!(f, "token {upstream}"),
        }
    }
}

impl Vault {
    /// A vault with these keys, for this database.
    ///
    /// # Errors
    /// [`Error::Config`] when something in the database is sealed with a key that is not among them.
    pub(crate) fn open_for(keys: MasterKeys, store: &Store) -> Result<Self> {
        let vault = Self::new(keys);
        vault.check(store)?;
        Ok(vault)
    }

    fn new(keys: MasterKeys) -> Self {
        Self { keys: Arc::new(keys) }
    }

    /// Seals a text.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] when there is no master key.
    pub(super) fn seal(&self, tenant: TenantId, what: What<'_>, text: &str) -> Result<String> {
        self.seal_for(&place(tenant, what), text)
    }

    /// Opens a sealed text.
    ///
    /// # Errors
    /// [`Error::Internal`] when it was sealed for something else, or with another key.
    pub(super) fn open(&self, tenant: TenantId, what: What<'_>, sealed: &str) -> Result<Zeroizing<String>> {
        self.open_of(&place(tenant, what), sealed)
    }

    /// What notes the key that seals, for the write in which something is sealed.
    pub(super) fn noted(&self, now: i64) -> Result<Write> {
        let id = self.keys.sealing().ok_or_else(no_key)?.id();
        let proof = self.seal_for(PROOF_FOR, PROOF)?;
        Ok(Write::new()
            .run(
                "DELETE FROM master_key WHERE id <> $1
                    AND NOT EXISTS (SELECT 1 FROM credential) AND NOT EXISTS (SELECT 1 FROM upstream_token)",
                params![id],
            )
            .run(
                "INSERT INTO master_key (id, proof, created_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING",
                params![id, proof, now],
            ))
    }

    /// Looks whether there is each key with which something in the database may be sealed.
    fn check(&self, store: &Store) -> Result<()> {
        let sealed = "SELECT 1 WHERE EXISTS (SELECT 1 FROM credential) OR EXISTS (SELECT 1 FROM upstream_token)";
        if store.get_now(sealed, Vec::new())?.is_none() {
            return Ok(());
        }
        let (next, mut last) = ("SELECT id, proof FROM master_key WHERE id > $1 ORDER BY id LIMIT 1", String::new());
        while let Some(mut row) = store.get_now(next, params![&last])? {
            let (id, proof) = (row.text()?, row.text()?);
            let known = self.open_of(PROOF_FOR, &proof).is_ok_and(|text| *text == PROOF);
            if !known && self.keys.sealing().is_none() {
                return Err(Error::Config(format!(
                    "SESSILE_MASTER_KEY: has to be set, or master_key_file: credentials in this database are sealed \
                     with the master key {id}"
                )));
            }
            if !known {
                return Err(Error::Config(format!(
                    "SESSILE_MASTER_KEY: credentials in this database are sealed with the master key {id}, and what \
                     is given here, or in master_key_file, is another one"
                )));
            }
            last = id;
        }
        Ok(())
    }

    fn seal_for(&self, place: &str, text: &str) -> Result<String> {
        let key = self.keys.sealing().ok_or_else(no_key)?;
        let mut sealed = Zeroizing::new(text.as_bytes().to_vec());
        // Growing would leave a copy behind.
        let mut room = Zeroizing::new(Vec::with_capacity(sealed.len() + 64));
        room.append(&mut sealed);
        let nonce = key.cipher().seal_in_place_append_tag(Aad::from(place.as_bytes()), &mut *room);
        let nonce = nonce.map_err(|e| Error::internal("sealing", e))?;
        let whole = [nonce.as_ref(), room.as_slice()].concat();
        Ok(format!("{}.{}", key.id(), STANDARD_NO_PAD.encode(whole)))
    }

    fn open_of(&self, place: &str, sealed: &str) -> Result<Zeroizing<String>> {
        let broken = || Error::Internal(format!("what is sealed as {place:?} does not open"));
        let (id, whole) = sealed.split_once('.').ok_or_else(broken)?;
        let key = self.keys.with_id(id).ok_or_else(broken)?;
        let whole = STANDARD_NO_PAD.decode(whole).map_err(|_| broken())?;
        let (nonce, sealed) = whole.split_at_checked(NONCE_LEN).ok_or_else(broken)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| broken())?;
        let mut opened = Zeroizing::new(sealed.to_vec());
        let text = key.cipher().open_in_place(nonce, Aad::from(place.as_bytes()), &mut opened).map_err(|_| broken())?;
        std::str::from_utf8(text).map(|text| Zeroizing::new(text.to_owned())).map_err(|_| broken())
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault(…)")
    }
}

/// What a text is sealed for.
fn place(tenant: TenantId, what: What<'_>) -> String {
    format!("sessile {tenant} {what}")
}

fn no_key() -> Error {
    Error::NotAllowed(
        "Credentials can't be kept here yet, for this server has no master key to seal them with. Ask whoever runs it to make one (sessile admin master-key generate), to set it as SESSILE_MASTER_KEY, and to start the server again.".into(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault(keys: &str) -> Vault {
        Vault::new(MasterKeys::parse(keys).expect("they are keys"))
    }

    #[test]
    fn what_is_sealed_opens_in_its_own_place_with_its_own_key_alone() {
        let (key, other) = (generate(), generate());
        let (tenant, what) = (TenantId::new(), What::Credential("github"));
        let sealed = vault(&key).seal(tenant, what, "a secret").expect("there is a key");
        assert!(!sealed.contains("secret"));
        for good in [key.as_str(), &format!("{},{}", *other, *key)] {
            assert_eq!(vault(good).open(tenant, what, &sealed).expect("it opens").as_str(), "a secret");
        }
        assert!(vault(&other).open(tenant, what, &sealed).is_err());
        assert!(vault(&key).open(TenantId::new(), what, &sealed).is_err());
        for place in [What::Credential("gitlab"), What::Token { upstream: "github", user: None }] {
            assert!(vault(&key).open(tenant, place, &sealed).is_err(), "{place}");
        }
        let again = vault(&key).seal(tenant, what, "a secret").expect("there is a key");
        assert_ne!(again, sealed, "a nonce is used once");
        for broken in ["", ".", "x.y", &sealed[..sealed.len() - 4], &sealed.to_uppercase()] {
            assert!(vault(&key).open(tenant, what, broken).is_err(), "{broken}");
        }
        let error = vault("").seal(tenant, what, "a secret").expect_err("there is no key");
        assert!(matches!(&error, Error::NotAllowed(text) if text.contains("master-key generate")), "{error}");
    }
}
