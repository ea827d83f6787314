//! Where keys are kept: the keyring of the operating system, or a file that its owner alone may read.

use super::place::Place;
use crate::auth::Token;
use keyring::v1::Entry;
use serde::{Deserialize, Serialize};
use std::sync::mpsc;
use std::time::Duration;
use uuid::Uuid;
use zeroize::{Zeroize as _, Zeroizing};

/// Says where to keep secrets: `file`, or `keyring`; where there is one unless told.
pub(crate) const CHOICE: &str = "SESSILE_CREDENTIALS";
/// What our entries in a keyring belong to.
const SERVICE: &str = "sessile";
/// The file: a line a key, its profile's id and itself.
const FILE: &str = "credentials";
/// How long a keyring may take, since it may ask a person to unlock it.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a secret is kept in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Vault {
    /// The operating system's keyring.
    Keyring,
    /// A file of mode 0600 beside the profiles.
    File,
}

impl Vault {
    /// Keeps a secret, and says where.
    ///
    /// # Errors
    /// There is nowhere to keep it.
    pub(crate) fn keep(place: &Place, id: Uuid, token: &Token) -> Result<Self, String> {
        match std::env::var(CHOICE).ok().filter(|choice| !choice.is_empty()).as_deref() {
            Some("file") => File(place).put(id, token).map(|()| Self::File),
            Some("keyring") => ring_put(id, token).map(|()| Self::Keyring),
            Some(other) => Err(format!("{CHOICE} is {other:?}; it may be `keyring` or `file`")),
            None if ring_put(id, token).is_ok() => Ok(Self::Keyring),
            None => File(place).put(id, token).map(|()| Self::File),
        }
    }

    /// Gets a secret back; nothing when it is gone.
    ///
    /// # Errors
    /// What stands in the way.
    pub(crate) fn get(self, place: &Place, id: Uuid) -> Result<Option<Token>, String> {
        match self {
            Self::File => File(place).get(id),
            Self::Keyring => ring_get(id),
        }
    }

    /// Forgets a secret, which may be gone already.
    ///
    /// # Errors
    /// What stands in the way.
    pub(crate) fn forget(self, place: &Place, id: Uuid) -> Result<(), String> {
        match self {
            Self::File => File(place).remove(id),
            Self::Keyring => ring_forget(id),
        }
    }

    /// What a person calls it.
    pub(crate) fn describe(self, place: &Place) -> String {
        match self {
            Self::Keyring => "the keyring".to_owned(),
            Self::File => place.file(FILE).display().to_string(),
        }
    }
}

/// The file in a place.
struct File<'a>(&'a Place);

impl File<'_> {
    fn put(&self, id: Uuid, token: &Token) -> Result<(), String> {
        self.rewrite(id, Some(token))
    }

    fn get(&self, id: Uuid) -> Result<Option<Token>, String> {
        let id = id.to_string();
        let text = self.text()?;
        let found = text.lines().find_map(|line| line.split_once(' ').filter(|(of, _)| *of == id));
        found.map(|(_, secret)| Token::new(secret.trim()).map_err(|error| error.to_string())).transpose()
    }

    fn remove(&self, id: Uuid) -> Result<(), String> {
        if self.text()?.is_empty() { Ok(()) } else { self.rewrite(id, None) }
    }

    fn rewrite(&self, id: Uuid, token: Option<&Token>) -> Result<(), String> {
        let lock = self.0.lock()?;
        let (id, text) = (id.to_string(), self.text()?);
        let secret = token.map_or("", Token::text);
        // As much as it may become, so that it never moves and leaves a copy behind.
        let mut new = Zeroizing::new(String::with_capacity(text.len() + id.len() + secret.len() + 8));
        for line in text.lines().filter(|line| line.split(' ').next() != Some(&id)) {
            new.push_str(line);
            new.push('\n');
        }
        if token.is_some() {
            for part in [&id, " ", secret, "\n"] {
                new.push_str(part);
            }
        }
        self.0.write(&lock, FILE, new.as_bytes())
    }

    fn text(&self) -> Result<Zeroizing<String>, String> {
        self.0.is_private(FILE)?;
        let bytes = Zeroizing::new(self.0.read(FILE)?.unwrap_or_default());
        let text = std::str::from_utf8(&bytes);
        let text = text.map_err(|_| format!("{} is no text", self.0.file(FILE).display()))?;
        Ok(Zeroizing::new(text.to_owned()))
    }
}

fn ring_put(id: Uuid, token: &Token) -> Result<(), String> {
    let secret = Zeroizing::new(token.text().to_owned());
    ring(id, move |entry| entry.set_password(&secret))
}

fn ring_get(id: Uuid) -> Result<Option<Token>, String> {
    let secret = ring(id, |entry| match entry.get_password() {
        Err(keyring::v1::Error::NoEntry) => Ok(None),
        other => other.map(|text| Some(Zeroizing::new(text))),
    })?;
    secret.map(|text| Token::new(&text).map_err(|error| error.to_string())).transpose()
}

fn ring_forget(id: Uuid) -> Result<(), String> {
    ring(id, |entry| match entry.delete_credential() {
        Err(keyring::v1::Error::NoEntry) => Ok(()),
        other => other,
    })
}

/// Works on an entry of the keyring, on a thread of its own: it blocks, and may wait for a person.
fn ring<T: Send + 'static>(
    id: Uuid,
    work: impl FnOnce(&Entry) -> keyring::v1::Result<T> + Send + 'static,
) -> Result<T, String> {
    let (done, heard) = mpsc::channel();
    std::thread::spawn(move || {
        let worked = Entry::new(SERVICE, &id.to_string()).and_then(|entry| work(&entry));
        let _ = done.send(worked.map_err(|error| explain(error)));
    });
    match heard.recv_timeout(PATIENCE) {
        Ok(worked) => worked,
        Err(_) => Err(format!("the keyring did not answer within {} s; is it locked?", PATIENCE.as_secs())),
    }
}

/// What went wrong, without what a keyring holds.
fn explain(error: keyring::v1::Error) -> String {
    match error {
        keyring::v1::Error::BadEncoding(mut bytes) | keyring::v1::Error::BadDataFormat(mut bytes, _) => {
            bytes.zeroize();
            "the keyring has something else in our entry".to_owned()
        }
        keyring::v1::Error::NoDefaultStore => format!(
            "there is no keyring that could be used{}",
            match Entry::store_status() {
                Err(why) => format!(" ({why})"),
                Ok(()) => String::new(),
            }
        ),
        other => format!("the keyring refuses: {other}"),
    }
}
